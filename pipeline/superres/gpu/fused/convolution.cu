// Consecutive 3x3 convolutions (stride 1, zero padding) with their activations, fused into one kernel.
//
// A block processes a strip of columns from top to bottom, ROWS * WARPS_Y rows a step. Each stage (layer) keeps its last
// rows in a ring buffer in shared memory, from which the next stage reads, one row behind the stage before it.
// A warp computes ROWS rows of 16 neighbouring pixels: the matrix product has M = 16 pixels, N = output channels and
// K = (column offset, input channel), once for each of the three row offsets. docs/kernels.md has the drawing.
//
// Macros, all from kernel.py:
//   FEATURES            channels between layers, a multiple of 8
//   FIRST, INNER, LAST  1 if the first stage reads the image; number of inner layers; 1 if the last stage writes the output
//   JOINED              if not 0, the first stage is a 1x1 convolution of so many concatenated images, 1 to 4
//   ONES                1: the first stage reads a fourth plane that is 1 in the frame and 0 outside
//   CLIPPED             1: the output is limited to the range from 0 to 1
//   IMAGE, SCALE        planes of the image (1 or 3); output size / input size
//   RESIDUAL            0: none, 1: the nearest pixel of the input is added to the output, 2: bilinear
//   WARPS_X, WARPS_Y    warps of a block, side by side and one below the other
//   ROWS                rows that a warp computes in a step
//   WEIGHTS_IN_SHARED   1: weights are copied into shared memory; 0: they are read through the L1 cache
//   HALF_SUMS           1: products are summed in fp16, else in fp32
//   WARPGROUP           1: wgmma of sm_90a (WARPS_X must be 4, weights in shared memory), else mma.sync
//   SMOOTH              a bit for each stage: 1 for SiLU instead of PReLU
//   EPILOGUE            after the last stage if LAST is 0: 0: none, 1: `operand` is added to the activation y,
//                       2: SPAN's gate, (operand + y) (sigmoid(y) - 0.5)
//   BLOCKS              blocks that must fit on a multiprocessor

constexpr int CHUNKS = FEATURES / 8;  // of 8 channels, 16 bytes: the unit of ldmatrix and cp.async
constexpr int PIXEL = (CHUNKS % 2 ? CHUNKS : CHUNKS + 1) * 16;  // bytes; an odd number of chunks has no bank conflicts
constexpr int HEAD = FIRST || JOINED;  // stages before the inner ones
constexpr int STAGES = HEAD + INNER + LAST, EDGE = STAGES - 1;  // EDGE: columns and rows that are computed twice
constexpr int STEP = ROWS * WARPS_Y, COLUMNS = 16 * WARPS_X, ROW_PIXELS = COLUMNS + 2, THREADS = 32 * WARPS_X * WARPS_Y;
constexpr int SOURCE_ROWS = 2 * STEP + 2, RING_ROWS = STEP + 2;  // the source's next rows arrive during a step
constexpr int IMAGE_PIXEL = 8, IMAGE_ROW = (COLUMNS + 4) * IMAGE_PIXEL;  // red, green, blue, 0; two more, set to 0
constexpr int RING_ROW = ROW_PIXELS * PIXEL, SOURCE_ROW = FIRST ? IMAGE_ROW : RING_ROW;
constexpr int K_CHUNKS = 3 * CHUNKS, K_STEPS = (K_CHUNKS + 1) / 2;  // of 16; an odd one ends with a step of 8
constexpr int TILES = FEATURES / 8, TAIL_CHANNELS = IMAGE * SCALE * SCALE, TAIL_TILES = (TAIL_CHANNELS + 7) / 8;
constexpr int FRAGMENT = 256;  // bytes of a 16x8 tile of weights: 8 for each lane
constexpr int JOINED_STEPS = (CHUNKS + 1) / 2;  // of 16 channels of each image
constexpr int HEAD_WEIGHTS = (FIRST ? 3 : JOINED * JOINED_STEPS) * TILES * FRAGMENT, INNER_WEIGHTS = K_STEPS * 3 * TILES * FRAGMENT;
constexpr int TAIL_WEIGHTS = K_STEPS * 3 * TAIL_TILES * FRAGMENT;
constexpr int WEIGHTS = HEAD_WEIGHTS + INNER * INNER_WEIGHTS + LAST * TAIL_WEIGHTS;
constexpr int WIDEST = 8 * (TILES > TAIL_TILES ? TILES : TAIL_TILES);  // biases and slopes of a stage

// Shared memory: the source's ring, the other rings, weights, biases, slopes. KernelShape.shared_bytes is the sum.
constexpr int RINGS_AT = JOINED ? 0 : (SOURCE_ROWS * SOURCE_ROW + 15) / 16 * 16;
constexpr int WEIGHTS_AT = RINGS_AT + EDGE * RING_ROWS * RING_ROW;
constexpr int BIASES_AT = WEIGHTS_AT + (WEIGHTS_IN_SHARED ? WEIGHTS : 0);
constexpr int SLOPES_AT = BIASES_AT + STAGES * WIDEST * 4;

// Load the weights of one step, N tiles of 8 output channels, packed by weights.py so that a lane reads 16 bytes at once.
template <int N> __device__ __forceinline__ void load_weights(word (&b)[N][2], const word* step, int lane) {
#pragma unroll
    for (int j = 0; j + 1 < N; j += 2) {
        const uint4* at = reinterpret_cast<const uint4*>(step + j * 64) + lane;
        uint4 pair = WEIGHTS_IN_SHARED ? *at : __ldg(at);
        b[j][0] = pair.x, b[j][1] = pair.y, b[j + 1][0] = pair.z, b[j + 1][1] = pair.w;
    }
    if (N % 2) {
        const uint2* at = reinterpret_cast<const uint2*>(step + (N - 1) * 64) + lane;
        uint2 single = WEIGHTS_IN_SHARED ? *at : __ldg(at);
        b[N - 1][0] = single.x, b[N - 1][1] = single.y;
    }
}

// The first of the two channels of tile j that lane quad q holds: weights.py orders columns so that a lane's channels
// are neighbours in memory, four tiles at a time, then two, then one.
template <int N> __device__ __forceinline__ constexpr int channel(int j, int q) {
    constexpr int FOURS = N / 4 * 4;
    if (j < FOURS) return j / 4 * 32 + q * 8 + j % 4 * 2;
    if (N % 4 >= 2 && j < FOURS + 2) return FOURS * 8 + q * 4 + (j - FOURS) * 2;
    return (N - 1) * 8 + q * 2;
}

// Offset of the 16 inputs of a step in a row of the ring, from the leftmost of the three columns.
__device__ __forceinline__ constexpr int inputs_at(int step) {
    return 2 * step / CHUNKS * PIXEL + 2 * step % CHUNKS * 16;
}

template <int N> __device__ __forceinline__ void set_sums(word (&sums)[N][SUMS], const float* biases, int q, bool tail) {
#pragma unroll
    for (int j = 0; j < N; ++j) {
        float2 bias = *reinterpret_cast<const float2*>(biases + (tail ? j * 8 + q * 2 : channel<N>(j, q)));
#if HALF_SUMS
        sums[j][0] = sums[j][1] = pack(bias.x, bias.y);
#else
        sums[j][0] = sums[j][2] = __float_as_uint(bias.x), sums[j][1] = sums[j][3] = __float_as_uint(bias.y);
#endif
    }
}

// Two neighbouring channels of pixel `lower` (0: the lane's, 1: 8 pixels to the right) of a tile.
__device__ __forceinline__ word pair_of(const word (&sums)[SUMS], int lower) {
#if HALF_SUMS
    return sums[lower];
#else
    return pack(__uint_as_float(sums[2 * lower]), __uint_as_float(sums[2 * lower + 1]));
#endif
}

#if WARPGROUP
// The same by wgmma: four warps, 64 pixels, at once; the weights come straight from shared memory, by a descriptor.
#define SUMS_1 "%0,%1,%2,%3"
#define SUMS_2 SUMS_1 ",%4,%5,%6,%7"
#define SUMS_3 SUMS_2 ",%8,%9,%10,%11"
#define SUMS_4 SUMS_3 ",%12,%13,%14,%15"
#define SUMS_5 SUMS_4 ",%16,%17,%18,%19"
#define SUMS_6 SUMS_5 ",%20,%21,%22,%23"
#define SUMS_7 SUMS_6 ",%24,%25,%26,%27"
#define SUMS_8 SUMS_7 ",%28,%29,%30,%31"
#define TILE(j) "+r"(sums[j][0]), "+r"(sums[j][1]), "+r"(sums[j][2]), "+r"(sums[j][3])
#define TILES_1 TILE(0)
#define TILES_2 TILES_1, TILE(1)
#define TILES_3 TILES_2, TILE(2)
#define TILES_4 TILES_3, TILE(3)
#define TILES_5 TILES_4, TILE(4)
#define TILES_6 TILES_5, TILE(5)
#define TILES_7 TILES_6, TILE(6)
#define TILES_8 TILES_7, TILE(7)

template <int N> struct Warpgroup;
// `columns`: 8 N. p, q, r, s, d: the numbers of the operands after the sums.
#define WARPGROUP_OF(N, columns, p, q, r, s, d)                                                                          \
    template <> struct Warpgroup<N> {                                                                                    \
        static __device__ __forceinline__ void multiply(word (&sums)[N][SUMS], const word (&a)[4], descriptor b) {       \
            asm volatile("wgmma.mma_async.sync.aligned.m64n" #columns "k16.f32.f16.f16 {" SUMS_##N "}, {%" #p ",%" #q     \
                         ",%" #r ",%" #s "}, %" #d ", 1, 1, 1, 0;"                                                       \
                         : TILES_##N                                                                                     \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b));                                          \
        }                                                                                                                \
        static __device__ __forceinline__ void keep(word (&sums)[N][SUMS]) { asm volatile("" : TILES_##N::"memory"); }   \
    };
typedef unsigned long long descriptor;
WARPGROUP_OF(1, 8, 4, 5, 6, 7, 8)
WARPGROUP_OF(2, 16, 8, 9, 10, 11, 12)
WARPGROUP_OF(3, 24, 12, 13, 14, 15, 16)
WARPGROUP_OF(4, 32, 16, 17, 18, 19, 20)
WARPGROUP_OF(5, 40, 20, 21, 22, 23, 24)
WARPGROUP_OF(6, 48, 24, 25, 26, 27, 28)
WARPGROUP_OF(7, 56, 28, 29, 30, 31, 32)
WARPGROUP_OF(8, 64, 32, 33, 34, 35, 36)

template <int N>
__device__ __forceinline__ void convolve(word (&sums)[ROWS][N][SUMS], word (&start)[N][SUMS], const word (&rows)[ROWS + 2],
                                         const word* weights, int lane) {
    // Core matrices of 8 output channels by 16 bytes, not swizzled: N * 128 bytes to the next 8 inputs, 128 to the next 8
    // outputs (PTX ISA, "Matrix descriptor format").
    const descriptor first = (descriptor)(((word)__cvta_generic_to_shared(weights) & 0x3ffff) >> 4) |
                             (descriptor)(N * 128 >> 4) << 16 | (descriptor)(128 >> 4) << 32;
    word a[2][ROWS + 2][4];  // the pixels of this step and of the next one
#pragma unroll
    for (int r = 0; r < ROWS; ++r)
#pragma unroll
        for (int j = 0; j < N; ++j)
#pragma unroll
            for (int k = 0; k < SUMS; ++k) sums[r][j][k] = start[j][k];
#pragma unroll
    for (int r = 0; r < ROWS + 2; ++r) load_pixels<false>(a[0][r], rows[r]);
#pragma unroll
    for (int step = 0; step < K_STEPS; ++step) {
        const int now = step & 1, next = step + 1;
        if (2 * step + 1 >= K_CHUNKS)
#pragma unroll
            for (int r = 0; r < ROWS + 2; ++r) a[now][r][2] = a[now][r][3] = 0;
#pragma unroll
        for (int r = 0; r < ROWS; ++r) Warpgroup<N>::keep(sums[r]);
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
        for (int offset = 0; offset < 3; ++offset)
#pragma unroll
            for (int r = 0; r < ROWS; ++r)
                Warpgroup<N>::multiply(sums[r], a[now][r + offset], first + (step * 3 + offset) * (N * FRAGMENT >> 4));
        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
        if (next < K_STEPS) {
            asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");  // the registers are overwritten below
#pragma unroll
            for (int r = 0; r < ROWS + 2; ++r) {
                if (2 * next + 1 < K_CHUNKS) load_pixels<false>(a[1 - now][r], rows[r] + inputs_at(next));
                else load_pixels<true>(a[1 - now][r], rows[r] + inputs_at(next));
            }
        }
    }
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#pragma unroll
    for (int r = 0; r < ROWS; ++r) Warpgroup<N>::keep(sums[r]);
}
#else
// All products of ROWS rows of 16 pixels with the weights of N tiles. rows: where the ROWS + 2 rows begin for this lane.
template <int N>
__device__ __forceinline__ void convolve(word (&sums)[ROWS][N][SUMS], word (&start)[N][SUMS],
                                         const word (&rows)[ROWS + 2], const word* weights, int lane) {
    word a[2][ROWS + 2][4];  // the pixels of this step and of the next one
#pragma unroll
    for (int r = 0; r < ROWS + 2; ++r) load_pixels<K_CHUNKS == 1>(a[0][r], rows[r]);
#pragma unroll
    for (int step = 0; step < K_STEPS; ++step) {
        const int now = step & 1, next = step + 1;
#pragma unroll
        for (int r = 0; r < ROWS + 2; ++r) {
            if (2 * next + 1 < K_CHUNKS) load_pixels<false>(a[1 - now][r], rows[r] + inputs_at(next));
            else if (next < K_STEPS) load_pixels<true>(a[1 - now][r], rows[r] + inputs_at(next));
        }
#pragma unroll
        for (int offset = 0; offset < 3; ++offset) {
            word b[N][2];
            load_weights<N>(b, weights + (step * 3 + offset) * N * 64, lane);
#pragma unroll
            for (int r = 0; r < ROWS; ++r)
#pragma unroll
                for (int j = 0; j < N; ++j) {
                    const bool begins = step == 0 && offset == 0;
                    if (2 * step + 1 < K_CHUNKS)
                        multiply<false>(sums[r][j], a[now][r + offset], b[j], begins ? start[j] : sums[r][j]);
                    else
                        multiply<true>(sums[r][j], a[now][r + offset], b[j], begins ? start[j] : sums[r][j]);
                }
        }
    }
}
#endif

__device__ __forceinline__ float sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }

// PReLU as the larger of x and slope x (with_slopes_up_to_one in stack.py makes it valid for all slopes); SiLU if `smooth`.
__device__ __forceinline__ word activated(word x, word slope, bool smooth) {
    if (smooth) {
        float2 value = unpack(x);
        return pack(value.x * sigmoid(value.x), value.y * sigmoid(value.y));
    }
    return larger_of_pairs(x, multiply_pairs(x, slope));
}

__device__ __forceinline__ word combined(word value, word operand) {
    if (EPILOGUE == 1) return add_pairs(value, operand);
    float2 y = unpack(value), x = unpack(operand);
    return pack((x.x + y.x) * (sigmoid(y.x) - 0.5f), (x.y + y.y) * (sigmoid(y.y) - 0.5f));
}

// Store a lane's channels of a pixel in pieces of 16, 8 and 4 bytes.
__device__ __forceinline__ void store_pixel(char* pixel, const word (&values)[TILES], int q) {
    constexpr int FOURS = TILES / 4 * 4, TWOS = TILES % 4 >= 2;
#pragma unroll
    for (int j = 0; j < FOURS; j += 4)
        *reinterpret_cast<uint4*>(pixel + channel<TILES>(j, q) * 2) =
            make_uint4(values[j], values[j + 1], values[j + 2], values[j + 3]);
    if (TWOS)
        *reinterpret_cast<uint2*>(pixel + channel<TILES>(FOURS, q) * 2) = make_uint2(values[FOURS], values[FOURS + TWOS]);
    if (TILES % 2) *reinterpret_cast<word*>(pixel + channel<TILES>(TILES - 1, q) * 2) = values[TILES - 1];
}

#if JOINED || EPILOGUE
// Load the channels of a pixel that store_pixel stores: for joined images, the lane's part of the A operands of all steps.
__device__ __forceinline__ void load_pixel(word (&values)[TILES], const half* pixel, int q) {
    constexpr int FOURS = TILES / 4 * 4, TWOS = TILES % 4 >= 2;
#pragma unroll
    for (int j = 0; j < FOURS; j += 4) {
        const uint4 four = __ldg(reinterpret_cast<const uint4*>(pixel + channel<TILES>(j, q)));
        values[j] = four.x, values[j + 1] = four.y, values[j + 2] = four.z, values[j + 3] = four.w;
    }
    if (TWOS) {
        const uint2 two = __ldg(reinterpret_cast<const uint2*>(pixel + channel<TILES>(FOURS, q)));
        values[FOURS] = two.x, values[FOURS + TWOS] = two.y;
    }
    if (TILES % 2) values[TILES - 1] = __ldg(reinterpret_cast<const word*>(pixel + channel<TILES>(TILES - 1, q)));
}
#endif

// Position of the block in the frame.
struct Place {
    int left;           // column of the frame at the block's first column
    int top, bottom;    // rows of the output that the block computes, without `bottom`
    int height, width;  // of the frame
    __device__ bool has(int x, int y) const { return (unsigned)x < (unsigned)width && (unsigned)y < (unsigned)height; }
    // Whether the block writes its column i at frame row y: inside the frame, and not left to a neighbouring block.
    __device__ bool owns(int i, int y) const {
        return y >= top && y < bottom && left + i < width && i >= EDGE && i < COLUMNS - EDGE;
    }
};

// Copy `rows` rows of the source from frame row y on to its ring, from row `slot` on, with zeros outside of the frame.
__device__ __forceinline__ void load_source(const half* source, word ring, const Place& place, int y, int slot, int rows) {
#if FIRST
    for (int i = threadIdx.x; i < rows * ROW_PIXELS; i += THREADS) {
        const int r = i / ROW_PIXELS, column = i - r * ROW_PIXELS, x = place.left - 1 + column;
        const bool exists = place.has(x, y + r);
        const half* from = source + (exists ? ((size_t)(y + r) * place.width + x) * 4 : 0);
        const int at = slot + r < SOURCE_ROWS ? slot + r : slot + r - SOURCE_ROWS;
        copy_async_8(ring + at * SOURCE_ROW + column * IMAGE_PIXEL, from, exists);
    }
#else
    // A warp copies a row, and each lane the same chunk of pixels at a constant distance, so that all offsets are constants.
    constexpr bool DENSE = PIXEL == FEATURES * 2;
    constexpr int LANES = DENSE ? 32 : 32 / CHUNKS * CHUNKS, ALL = ROW_PIXELS * CHUNKS, TURNS = (ALL + LANES - 1) / LANES;
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, first = (place.left - 1) * CHUNKS + lane;
    const word to = ring + (DENSE ? lane * 16 : lane / CHUNKS * PIXEL + lane % CHUNKS * 16);
    for (int r = warp; r < rows; r += THREADS / 32) {
        const int at = slot + r < SOURCE_ROWS ? slot + r : slot + r - SOURCE_ROWS;
        const unsigned limit = (unsigned)(y + r) < (unsigned)place.height ? place.width * CHUNKS : 0;
        const char* from = reinterpret_cast<const char*>(source) + ((long long)(y + r) * place.width * CHUNKS + first) * 16;
#pragma unroll
        for (int i = 0; i < TURNS; ++i)
            if ((LANES == 32 || lane < LANES) && (i + 1 < TURNS || ALL % LANES == 0 || lane < ALL % LANES)) {
                const bool exists = (unsigned)(first + i * LANES) < limit;
                copy_async_16(to + at * SOURCE_ROW + (DENSE ? i * 512 : i * (LANES / CHUNKS) * PIXEL),
                              exists ? from + i * LANES * 16 : reinterpret_cast<const char*>(source), exists);
            }
    }
#endif
}

#if JOINED
// Load the pixels of a warp's rows, from frame row y and column x on, of one of the joined images.
__device__ __forceinline__ void load_joined(word (&pixels)[ROWS][2][TILES], const half* image, const Place& place, int y,
                                            int x, int q) {
#pragma unroll
    for (int r = 0; r < ROWS; ++r)
#pragma unroll
        for (int right = 0; right < 2; ++right) {
#pragma unroll
            for (int j = 0; j < TILES; ++j) pixels[r][right][j] = 0;
            if (place.has(x + 8 * right, y + r))
                load_pixel(pixels[r][right], image + ((size_t)(y + r) * place.width + x + 8 * right) * FEATURES, q);
        }
}

// Add the products of one of the joined images with its weights; `begins`: to `start` instead of to the sums.
__device__ __forceinline__ void add_joined(word (&sums)[ROWS][TILES][SUMS], word (&start)[TILES][SUMS],
                                           const word (&pixels)[ROWS][2][TILES], const word* weights, int lane,
                                           bool begins) {
#pragma unroll
    for (int step = 0; step < JOINED_STEPS; ++step) {
        const int high = 2 * step + 1 < TILES ? 2 * step + 1 : 2 * step;  // in the step of 8 that ends an odd number of chunks, not used
        word b[TILES][2];
        load_weights<TILES>(b, weights + step * TILES * 64, lane);
#pragma unroll
        for (int r = 0; r < ROWS; ++r) {
            const word a[4] = {pixels[r][0][2 * step], pixels[r][1][2 * step], pixels[r][0][high], pixels[r][1][high]};
#pragma unroll
            for (int j = 0; j < TILES; ++j) {
                if (2 * step + 1 < CHUNKS) multiply<false>(sums[r][j], a, b[j], begins && step == 0 ? start[j] : sums[r][j]);
                else multiply<true>(sums[r][j], a, b[j], begins && step == 0 ? start[j] : sums[r][j]);
            }
        }
    }
}
#endif

#if LAST
// The enlarged input in plane c at row `sub_y` and column `sub_x` of the SCALE x SCALE output pixels of input pixel x, y.
__device__ __forceinline__ float enlarged(const half* image, const Place& place, int x, int y, int c, int sub_y, int sub_x) {
    auto at = [&](int column, int row) {
        column = min(max(column, 0), place.width - 1), row = min(max(row, 0), place.height - 1);
        return to_float(image[((size_t)row * place.width + column) * 4 + c]);
    };
    if (RESIDUAL == 1) return at(x, y);
    const float across = (sub_x + 0.5f) / SCALE - 0.5f, down = (sub_y + 0.5f) / SCALE - 0.5f;  // of input pixels
    const int beside = across < 0 ? x - 1 : x + 1, below = down < 0 ? y - 1 : y + 1;
    const float u = fabsf(across), v = fabsf(down);
    return (1 - v) * ((1 - u) * at(x, y) + u * at(beside, y)) + v * ((1 - u) * at(x, below) + u * at(beside, below));
}

// Position of the last layer's channel n in the output: channels are in the order (plane, row, column).
struct Sample {
    int plane, sub_y, sub_x;
    __device__ Sample(int n) : plane(n / (SCALE * SCALE)), sub_y(n / SCALE % SCALE), sub_x(n % SCALE) {}
};

// Load the residual of a lane's samples, before the arithmetic, so that the loads overlap with it.
__device__ __forceinline__ void load_residual(word (&residual)[ROWS][2][TAIL_TILES], const half* image, const Place& place,
                                              int y, int column, int q) {
#pragma unroll
    for (int r = 0; r < ROWS; ++r)
#pragma unroll
        for (int right = 0; right < 2; ++right)
#pragma unroll
            for (int j = 0; j < TAIL_TILES; ++j) {
                const int x = place.left + column + 8 * right, n = min(j * 8 + q * 2, TAIL_CHANNELS - 1);
                const Sample low(n), high(min(n + 1, TAIL_CHANNELS - 1));
                const float first = enlarged(image, place, x, y + r, low.plane, low.sub_y, low.sub_x);
                const bool same = RESIDUAL == 1 && SCALE % 2 == 0;  // both are copies of one pixel
                residual[r][right][j] = pack(
                    first, same ? first : enlarged(image, place, x, y + r, high.plane, high.sub_y, high.sub_x));
            }
}

// Store the last stage's sums as samples of the output planes.
__device__ __forceinline__ void store_image(const word (&sums)[ROWS][TAIL_TILES][SUMS],
                                            const word (&residual)[ROWS][2][TAIL_TILES], half* out, const Place& place,
                                            int y, int column, int q) {
    const size_t pitch = (size_t)place.width * SCALE;
#pragma unroll
    for (int r = 0; r < ROWS; ++r)
#pragma unroll
        for (int right = 0; right < 2; ++right) {
            const int i = column + 8 * right;
            if (!place.owns(i, y + r)) continue;
            auto at = [&](Sample sample) {
                const size_t row = ((size_t)sample.plane * place.height + y + r) * SCALE + sample.sub_y;
                return out + row * pitch + (size_t)(place.left + i) * SCALE + sample.sub_x;
            };
#pragma unroll
            for (int j = 0; j < TAIL_TILES; ++j) {
                const int n = j * 8 + q * 2;
                if (n >= TAIL_CHANNELS) continue;
                word value = pair_of(sums[r][j], right);
                if (RESIDUAL) value = add_pairs(value, residual[r][right][j]);
                if (CLIPPED) value = smaller_of_pairs(larger_of_pairs(value, 0), ONE << 16 | ONE);
                if (SCALE % 2 == 0) {
                    *reinterpret_cast<word*>(at(n)) = value;
                } else {
                    *at(n) = half(value);
                    if (n + 1 < TAIL_CHANNELS) *at(n + 1) = half(value >> 16);
                }
            }
        }
}
#endif

// source: the image, (H, W, 4), if FIRST, else (H, W, FEATURES). out: the planes of the output image if LAST, else
// (H, W, FEATURES). operand: (H, W, FEATURES), for the epilogue. image: (H, W, 4), for the residual. second, third, fourth:
// (H, W, FEATURES), joined to the source. strips: number of blocks side by side. rows_each: rows of the frame that each
// block computes.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
convolutions(const half* __restrict__ source, half* __restrict__ out, const word* __restrict__ weights,
             const float* __restrict__ biases, const half* __restrict__ slopes, const half* __restrict__ operand,
             const half* __restrict__ image, const half* __restrict__ second, const half* __restrict__ third,
             const half* __restrict__ fourth, int height, int width, int strips, int rows_each) {
    extern __shared__ __align__(128) char shared[];
    const word base = (word)__cvta_generic_to_shared(shared);
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, across = warp % WARPS_X, down = warp / WARPS_X;
    const int g = lane >> 2, q = lane & 3;  // a lane holds pixels g and g + 8, and two channels of each tile
    Place place;
    place.left = (int)(blockIdx.x % strips) * (COLUMNS - 2 * EDGE) - EDGE;
    place.top = (int)(blockIdx.x / strips) * rows_each, place.bottom = min(height, place.top + rows_each);
    place.height = height, place.width = width;
    const int steps = (place.bottom - place.top + 2 * EDGE + STEP - 1) / STEP;
    const int first_row = place.top - EDGE;  // of the first stage's output

    if (WEIGHTS_IN_SHARED)
        for (int i = threadIdx.x; i < WEIGHTS / 16; i += THREADS)
            copy_async_16(base + WEIGHTS_AT + i * 16, reinterpret_cast<const char*>(weights) + i * 16, true);
    const word* kept = WEIGHTS_IN_SHARED ? reinterpret_cast<const word*>(shared + WEIGHTS_AT) : weights;
    float* bias = reinterpret_cast<float*>(shared + BIASES_AT);
    half* slope = reinterpret_cast<half*>(shared + SLOPES_AT);
    for (int i = threadIdx.x; i < STAGES * WIDEST; i += THREADS) bias[i] = biases[i], slope[i] = slopes[i];
#if FIRST
    for (int i = threadIdx.x; i < SOURCE_ROWS * 2; i += THREADS)
        *reinterpret_cast<uint2*>(shared + i / 2 * SOURCE_ROW + (ROW_PIXELS + i % 2) * IMAGE_PIXEL) = make_uint2(0, 0);
#endif
    wait_for_previous_kernel();  // the code above does not depend on it; the code below needs its output in memory
    if (!JOINED) load_source(source, base, place, first_row - 1, 0, STEP + 2);
    commit_copies();

    int source_slot = 0, ring_slot = 0;  // ring rows at which this step's input begins
    const word lane_at = (lane & 15) * PIXEL + (lane >> 4) * 16 + across * 16 * PIXEL;
#pragma unroll 1
    for (int step = 0; step < steps; ++step) {
        wait_for_copies();
        __syncthreads();
        if (!JOINED && step + 1 < steps) {
            const int next = source_slot + STEP + 2;
            load_source(source, base, place, first_row + (step + 1) * STEP + 1, next < SOURCE_ROWS ? next : next - SOURCE_ROWS,
                        STEP);
        }
        commit_copies();

        auto rows_of = [&](word (&rows)[ROWS + 2], word ring, int slot, int length, int pitch) {
#pragma unroll
            for (int r = 0; r < ROWS + 2; ++r) {
                const int at = slot + down * ROWS + r;
                rows[r] = ring + (at < length ? at : at - length) * pitch;
            }
        };
        auto rows_for = [&](word (&rows)[ROWS + 2], int stage) {  // the input rows of a stage other than the first layer
            if (stage == 0) rows_of(rows, base + lane_at, source_slot, SOURCE_ROWS, SOURCE_ROW);
            else rows_of(rows, base + RINGS_AT + (stage - 1) * RING_ROWS * RING_ROW + lane_at, ring_slot, RING_ROWS, RING_ROW);
        };
        auto finish = [&](const word (&sums)[ROWS][TILES][SUMS], int stage) {  // store to the next stage's ring, or to memory
            const int y = first_row - stage + step * STEP + down * ROWS;
            const bool smooth = SMOOTH >> stage & 1, leaves = !LAST && stage == STAGES - 1;
            word slope_of[TILES];
#pragma unroll
            for (int j = 0; j < TILES; ++j)
                slope_of[j] = *reinterpret_cast<const word*>(slope + stage * WIDEST + channel<TILES>(j, q));
#pragma unroll
            for (int r = 0; r < ROWS; ++r)
#pragma unroll
                for (int right = 0; right < 2; ++right) {
                    const int i = across * 16 + g + 8 * right, x = place.left + i;
                    word values[TILES];
#pragma unroll
                    for (int j = 0; j < TILES; ++j) values[j] = activated(pair_of(sums[r][j], right), slope_of[j], smooth);
                    if (leaves) {
                        if (!place.owns(i, y + r)) continue;
                        const size_t pixel = ((size_t)(y + r) * width + x) * FEATURES;
#if EPILOGUE
                        word operands[TILES];
                        load_pixel(operands, operand + pixel, q);
#pragma unroll
                        for (int j = 0; j < TILES; ++j) values[j] = combined(values[j], operands[j]);
#endif
                        store_pixel(reinterpret_cast<char*>(out + pixel), values, q);
                    } else {
                        const bool exists = place.has(x, y + r);  // outside of the frame, zero padding
                        const int slot = ring_slot + 2 + down * ROWS + r, at = slot < RING_ROWS ? slot : slot - RING_ROWS;
#pragma unroll
                        for (int j = 0; j < TILES; ++j) values[j] = exists ? values[j] : 0;
                        store_pixel(shared + RINGS_AT + (stage * RING_ROWS + at) * RING_ROW + (i + 1) * PIXEL, values, q);
                    }
                }
        };

#if FIRST
        {
            word sums[ROWS][TILES][SUMS], start[TILES][SUMS], rows[ROWS + 2], a[ROWS + 2][4];
            rows_of(rows, base + (across * 16 + g) * IMAGE_PIXEL + q * 4, source_slot, SOURCE_ROWS, SOURCE_ROW);
            set_sums<TILES>(start, bias, q, false);
#pragma unroll
            for (int r = 0; r < ROWS + 2; ++r) {  // K is 4 columns of 4 planes; the weights of the fourth are zero
                a[r][0] = load_shared(rows[r]), a[r][1] = load_shared(rows[r] + 8 * IMAGE_PIXEL);
                a[r][2] = load_shared(rows[r] + 16), a[r][3] = load_shared(rows[r] + 16 + 8 * IMAGE_PIXEL);
            }
#if ONES
            const int x = place.left - 1 + across * 16 + g + (q >> 1);  // lanes with an odd q hold the fourth plane
#pragma unroll
            for (int r = 0; r < ROWS + 2; ++r)
#pragma unroll
                for (int i = 0; i < 4; ++i)
                    if (q & 1 && place.has(x + i % 2 * 8 + i / 2 * 2, first_row - 1 + step * STEP + down * ROWS + r))
                        a[r][i] |= ONE << 16;
#endif
#pragma unroll
            for (int offset = 0; offset < 3; ++offset) {
                word b[TILES][2];
                load_weights<TILES>(b, kept + offset * TILES * 64, lane);
#pragma unroll
                for (int r = 0; r < ROWS; ++r)
#pragma unroll
                    for (int j = 0; j < TILES; ++j)
                        multiply<false>(sums[r][j], a[r + offset], b[j], offset ? sums[r][j] : start[j]);
            }
            finish(sums, 0);
            if (STAGES > 1) __syncthreads();
        }
#endif
#if JOINED
        {
            word sums[ROWS][TILES][SUMS], start[TILES][SUMS], pixels[2][ROWS][2][TILES];  // of an image and of the next one
            const half* const images[] = {source, second, third, fourth};
            const int y = first_row + step * STEP + down * ROWS, x = place.left + across * 16 + g;
            set_sums<TILES>(start, bias, q, false);
            load_joined(pixels[0], images[0], place, y, x, q);
#pragma unroll
            for (int i = 0; i < JOINED; ++i) {
                if (i + 1 < JOINED) load_joined(pixels[1 - (i & 1)], images[i + 1], place, y, x, q);
                add_joined(sums, start, pixels[i & 1], kept + i * JOINED_STEPS * TILES * 64, lane, i == 0);
            }
            finish(sums, 0);
            if (STAGES > 1) __syncthreads();
        }
#endif
#pragma unroll 1
        for (int stage = HEAD; stage < HEAD + INNER; ++stage) {
            word sums[ROWS][TILES][SUMS], start[TILES][SUMS], rows[ROWS + 2];
            rows_for(rows, stage);
            set_sums<TILES>(start, bias + stage * WIDEST, q, false);
            convolve<TILES>(sums, start, rows, kept + (HEAD_WEIGHTS + (stage - HEAD) * INNER_WEIGHTS) / 4, lane);
            finish(sums, stage);
            if (stage + 1 < STAGES) __syncthreads();
        }
#if LAST
        {
            word sums[ROWS][TAIL_TILES][SUMS], start[TAIL_TILES][SUMS], rows[ROWS + 2];
            rows_for(rows, EDGE);
            set_sums<TAIL_TILES>(start, bias + EDGE * WIDEST, q, true);
            const int y = first_row - EDGE + step * STEP + down * ROWS, column = across * 16 + g;
            word residual[ROWS][2][TAIL_TILES];
            if (RESIDUAL) load_residual(residual, image, place, y, column, q);
            convolve<TAIL_TILES>(sums, start, rows, kept + (HEAD_WEIGHTS + INNER * INNER_WEIGHTS) / 4, lane);
            store_image(sums, residual, out, place, y, column, q);
        }
#endif
        source_slot = source_slot + STEP < SOURCE_ROWS ? source_slot + STEP : source_slot + STEP - SOURCE_ROWS;
        ring_slot = ring_slot + STEP < RING_ROWS ? ring_slot + STEP : ring_slot + STEP - RING_ROWS;
    }
}
