// Definitions of CUDA's keywords, so that a C++ compiler can run the kernels on the CPU, one thread after the other.
typedef __SIZE_TYPE__ size_t;

#define __global__
#define __device__
#define __forceinline__ inline
struct Index { int x, y; };
static Index blockIdx, threadIdx, blockDim;

static inline int __float2int_rn(float value) { return (int)__builtin_nearbyintf(value); }
static inline float fminf(float a, float b) { return a < b ? a : b; }
static inline float fmaxf(float a, float b) { return a > b ? a : b; }

// Replaces element.cu, which contains PTX.
typedef _Float16 Half;
#if HALF
typedef Half ELEMENT;
#else
typedef float ELEMENT;
#endif
#ifndef INTERLEAVED
#define INTERLEAVED 0
#endif
struct Interleaved { ELEMENT at[4]; };
static inline float read(Half e) { return (float)e; }
static inline float read(float e) { return e; }
static inline ELEMENT written(float f) { return (ELEMENT)f; }

// Every thread of a grid of `columns` x `rows` blocks of 32 x 4, as launch.py launches them.
template <class Kernel, class... Arguments> static void run(Kernel kernel, int columns, int rows, Arguments... arguments) {
    blockDim = {32, 4};
    for (blockIdx.y = 0; blockIdx.y < (rows + 3) / 4; ++blockIdx.y)
        for (blockIdx.x = 0; blockIdx.x < (columns + 31) / 32; ++blockIdx.x)
            for (threadIdx.y = 0; threadIdx.y < 4; ++threadIdx.y)
                for (threadIdx.x = 0; threadIdx.x < 32; ++threadIdx.x) kernel(arguments...);
}
