// Replaces instructions.cu, which is PTX, and CUDA's keywords, so that a C++ compiler can run convolution.cu on the CPU. The
// threads of a block are fibers, which take turns at barriers and at the instructions that a warp executes together.
#include <ucontext.h>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__
#define __align__(bytes)
#define __launch_bounds__(threads, blocks)

typedef unsigned int word;
typedef unsigned short half;
struct alignas(8) uint2 { word x, y; };
struct alignas(16) uint4 { word x, y, z, w; };
struct float2 { float x, y; };
static inline uint2 make_uint2(word x, word y) { return {x, y}; }
static inline uint4 make_uint4(word x, word y, word z, word w) { return {x, y, z, w}; }
template <class T> static inline T __ldg(const T* at) { return *at; }
template <class T> static inline T min(T a, T b) { return a < b ? a : b; }
template <class T> static inline T max(T a, T b) { return a > b ? a : b; }
#define __expf expf
static inline float __fdividef(float a, float b) { return a / b; }

constexpr word ONE = 0x3c00;
constexpr int SUMS = HALF_SUMS ? 2 : 4;
static_assert(!WARPGROUP, "only mma.sync runs on a CPU");

// ---- Fibers

constexpr int BLOCK_THREADS = 32 * WARPS_X * WARPS_Y;
constexpr size_t STACK = 256 * 1024;
static struct { int x; } blockIdx, threadIdx;
static ucontext_t fibers[BLOCK_THREADS], scheduler;
static bool running[BLOCK_THREADS];
alignas(128) char shared[256 * 1024];

struct Barrier {
    int members, arrived, generation;
    void wait() {
        const int now = generation, thread = threadIdx.x;
        if (++arrived == members) {
            arrived = 0, ++generation;
            return;
        }
        while (generation == now) {
            swapcontext(&fibers[thread], &scheduler);
            threadIdx.x = thread;
        }
    }
};
static Barrier of_block, of_warp[BLOCK_THREADS / 32];
static inline void __syncthreads() { of_block.wait(); }

// What the lanes of a warp pass to each other. A lane may be one instruction ahead, so there are two of each.
struct Registers { word a[4], b[2], at; };
static Registers passed[2][BLOCK_THREADS];
static int turn[BLOCK_THREADS];

static inline Registers (&exchange(const Registers& own))[32] {
    const int thread = threadIdx.x, now = turn[thread];
    passed[now][thread] = own, turn[thread] = 1 - now;
    of_warp[thread / 32].wait();
    return *reinterpret_cast<Registers(*)[32]>(&passed[now][thread / 32 * 32]);
}

// ---- Instructions

static inline float to_float(half value) {
    _Float16 number;
    memcpy(&number, &value, 2);
    return number;
}
static inline half to_half(float value) {
    const _Float16 number = value;
    half bits;
    memcpy(&bits, &number, 2);
    return bits;
}
static inline float __uint_as_float(word bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
static inline word __float_as_uint(float value) {
    word bits;
    memcpy(&bits, &value, 4);
    return bits;
}
static inline word pack(float low, float high) { return to_half(low) | (word)to_half(high) << 16; }
static inline float2 unpack(word pair) { return {to_float(pair), to_float(pair >> 16)}; }
template <class F> static inline word of_pairs(word a, word b, F f) {
    const float2 x = unpack(a), y = unpack(b);
    return pack(f(x.x, y.x), f(x.y, y.y));
}
static inline word add_pairs(word a, word b) { return of_pairs(a, b, [](float x, float y) { return x + y; }); }
static inline word multiply_pairs(word a, word b) { return of_pairs(a, b, [](float x, float y) { return x * y; }); }
static inline word larger_of_pairs(word a, word b) { return of_pairs(a, b, [](float x, float y) { return x > y ? x : y; }); }
static inline word smaller_of_pairs(word a, word b) { return of_pairs(a, b, [](float x, float y) { return x < y ? x : y; }); }

static inline word __cvta_generic_to_shared(const void* at) { return (const char*)at - shared; }
static inline void copy_async(word to, const void* from, int bytes, bool exists) {
    if (exists) memcpy(shared + to, from, bytes);
    else memset(shared + to, 0, bytes);
}
static inline void copy_async_16(word to, const void* from, bool exists) { copy_async(to, from, 16, exists); }
static inline void copy_async_8(word to, const void* from, bool exists) { copy_async(to, from, 8, exists); }
static inline void commit_copies() {}
static inline void wait_for_copies() {}
static inline void wait_for_previous_kernel() {}
static inline word load_shared(word at) {
    word value;
    memcpy(&value, shared + at, 4);
    return value;
}

// ldmatrix: lane 8 m + r passes the address of row r of matrix m; a lane receives two neighbours of row lane / 4 of each.
template <bool K8> static inline void load_pixels(word (&a)[4], word at) {
    Registers(&lanes)[32] = exchange({{}, {}, at});
    const int lane = threadIdx.x % 32;
    for (int m = 0; m < (K8 ? 2 : 4); ++m) a[m] = load_shared(lanes[8 * m + lane / 4].at + lane % 4 * 4);
}

// mma: rows are lane / 4 and lane / 4 + 8, columns 2 (lane % 4) and + 1 (PTX ISA, "Matrix fragments for mma.m16n8k16").
// Sums in fp16 are rounded after each mma: a register has both columns of a row.
template <bool K8>
static inline void multiply(word (&sums)[SUMS], const word (&a)[4], const word (&b)[2], const word (&before)[SUMS]) {
    Registers(&lanes)[32] = exchange({{a[0], a[1], K8 ? 0 : a[2], K8 ? 0 : a[3]}, {b[0], K8 ? 0 : b[1]}, 0});
    const int lane = threadIdx.x % 32, q = lane % 4;
    float results[4];
    for (int i = 0; i < 4; ++i) {
        const int lower = i / 2, column = 2 * q + i % 2;
        const float2 halves = unpack(before[lower]);
        double sum = HALF_SUMS ? (i % 2 ? halves.y : halves.x) : __uint_as_float(before[i % SUMS]);
        for (int k = 0; k < (K8 ? 8 : 16); ++k) {
            const float2 x = unpack(lanes[lane / 4 * 4 + k % 8 / 2].a[lower + k / 8 * 2]);
            const float2 y = unpack(lanes[column * 4 + k % 8 / 2].b[k / 8]);
            sum += k % 2 ? (double)x.y * y.y : (double)x.x * y.x;
        }
        results[i] = sum;
    }
    for (int i = 0; i < SUMS; ++i)
        sums[i] = HALF_SUMS ? pack(results[2 * i % 4], results[(2 * i + 1) % 4]) : __float_as_uint(results[i]);
}

// ---- Launch

static void (*entry)();
static void enter(int thread) {
    threadIdx.x = thread;
    entry();
    running[thread] = false;
}

// Run `kernel` in `blocks` blocks, whose shared memory begins as NaN. The threads take turns from the first
// to the last or, if `descending`, from the last to the first.
static void launch(int blocks, bool descending, void (*kernel)()) {
    std::vector<char> stacks(BLOCK_THREADS * STACK);
    entry = kernel;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        memset(shared, 0xff, sizeof shared);
        of_block = {BLOCK_THREADS, 0, 0};
        for (Barrier& barrier : of_warp) barrier = {32, 0, 0};
        for (int thread = 0; thread < BLOCK_THREADS; ++thread) {
            getcontext(&fibers[thread]);
            fibers[thread].uc_stack = {&stacks[thread * STACK], 0, STACK};
            fibers[thread].uc_link = &scheduler;
            makecontext(&fibers[thread], (void (*)())enter, 1, thread);
            running[thread] = true;
        }
        for (bool any = true; any;) {
            any = false;
            for (int i = 0; i < BLOCK_THREADS; ++i) {
                const int thread = descending ? BLOCK_THREADS - 1 - i : i;
                if (running[thread]) any = true, swapcontext(&scheduler, &fibers[thread]);
            }
        }
    }
}
