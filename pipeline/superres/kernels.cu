// Between a frame's samples and the network's RGB tensor, one pass over the memory each way.
//
// Compiled for one stream at a time: kernels.py hands in everything that does not change from frame to frame as
// macros (sizes, subsampling, depth, the numbers of colour/matrix.py), so that all of it is folded. The arithmetic
// is that of colour/convert.py, which in float64 is what these kernels are tested against. ELEMENT is element.cu's.
//
//   WIDTH, HEIGHT        luma size                     SAMPLE     unsigned char or unsigned short
//   SUB_X, SUB_Y         log2 of chroma subsampling    SHIFT      how far a sample sits up in its word
//   STEP                 2: U, V pairs, else 1; 0: no chroma at all
//   COSITED_X, COSITED_Y chroma lies on a luma sample rather than midway
//   RED, GREEN, BLUE     the tensor's plane of each
//   ...                  the numbers of Conversion, RANGE: the tensor's white

#define CHROMA_WIDTH ((WIDTH + (1 << SUB_X) - 1) >> SUB_X)
#define CHROMA_HEIGHT ((HEIGHT + (1 << SUB_Y) - 1) >> SUB_Y)
#define PIXELS ((size_t)WIDTH * HEIGHT)

struct Tap { int near, far; float weight; };  // the value is near + weight (far - near)

// Which chroma samples make the chroma at luma position k.
__device__ __forceinline__ Tap tap(int k, int length, bool subsampled, bool cosited) {
    if (!subsampled) return {k, k, 0.0f};
    int near = k >> 1, far = near + ((k & 1) ? 1 : cosited ? 0 : -1);
    far = far < 0 ? 0 : far >= length ? length - 1 : far;
    return {near, far, cosited ? 0.5f * (k & 1) : 0.25f};
}

__device__ __forceinline__ float lerp(float a, float b, float weight) { return a + weight * (b - a); }

__device__ __forceinline__ float sample(const SAMPLE* plane, int pitch, int x, int y, int step) {
    return (float)(plane[(size_t)y * pitch + x * step] >> SHIFT);
}

__device__ __forceinline__ float chroma_at(const SAMPLE* plane, int pitch, Tap h, Tap v) {
    float above = lerp(sample(plane, pitch, h.near, v.near, STEP), sample(plane, pitch, h.far, v.near, STEP), h.weight);
    if (v.weight == 0.0f) return above;
    float below = lerp(sample(plane, pitch, h.near, v.far, STEP), sample(plane, pitch, h.far, v.far, STEP), h.weight);
    return lerp(above, below, v.weight);
}

// Two neighbours of a row, so that memory is read and written in words.
#define PAIRED (WIDTH % 2 == 0)
struct alignas(2 * sizeof(ELEMENT)) Elements { ELEMENT first, second; };
struct alignas(2 * sizeof(SAMPLE)) Samples { SAMPLE first, second; };

__device__ __forceinline__ void write_pair(ELEMENT* plane, size_t at, float first, float second, bool both) {
#if PAIRED
    *reinterpret_cast<Elements*>(plane + at) = {written(first), written(second)};
#else
    plane[at] = written(first);
    if (both) plane[at + 1] = written(second);
#endif
}

struct Rgb { float red, green, blue; };

__device__ __forceinline__ Rgb rgb_at(const SAMPLE* luma, const SAMPLE* u, const SAMPLE* v, int luma_pitch,
                                      int chroma_pitch, int x, int row) {
    float y = sample(luma, luma_pitch, x, row, 1) * LUMA_GAIN + LUMA_BIAS;
    Rgb rgb = {y, y, y};
#if STEP
    Tap h = tap(x, CHROMA_WIDTH, SUB_X, COSITED_X), w = tap(row, CHROMA_HEIGHT, SUB_Y, COSITED_Y);
    float cb = chroma_at(u, chroma_pitch, h, w) * CHROMA_GAIN + CHROMA_BIAS;
    float cr = chroma_at(v, chroma_pitch, h, w) * CHROMA_GAIN + CHROMA_BIAS;
    rgb.red += RED_V * cr;
    rgb.green += GREEN_U * cb + GREEN_V * cr;
    rgb.blue += BLUE_U * cb;
#endif
    return rgb;
}

// Samples to RGB. A thread makes two neighbours of a row. Pitches are in samples.
extern "C" __global__ void to_rgb(const SAMPLE* __restrict__ luma, const SAMPLE* __restrict__ u,
                                  const SAMPLE* __restrict__ v, int luma_pitch, int chroma_pitch,
                                  ELEMENT* __restrict__ rgb) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x), row = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= WIDTH || row >= HEIGHT) return;
    bool both = x + 1 < WIDTH;
    Rgb a = rgb_at(luma, u, v, luma_pitch, chroma_pitch, x, row);
    Rgb b = both ? rgb_at(luma, u, v, luma_pitch, chroma_pitch, x + 1, row) : a;
    size_t at = (size_t)row * WIDTH + x;
    write_pair(rgb, RED * PIXELS + at, a.red * RANGE, b.red * RANGE, both);
    write_pair(rgb, GREEN * PIXELS + at, a.green * RANGE, b.green * RANGE, both);
    write_pair(rgb, BLUE * PIXELS + at, a.blue * RANGE, b.blue * RANGE, both);
}

struct Pixel { float y, cb, cr; };  // cb, cr: blue and red less luma, not yet scaled

__device__ __forceinline__ Pixel pixel(ELEMENT r, ELEMENT g, ELEMENT b) {
    float red = read(r) * (1.0f / RANGE), green = read(g) * (1.0f / RANGE), blue = read(b) * (1.0f / RANGE);
    float y = KR * red + KG * green + KB * blue;
    return {y, blue - y, red - y};
}

__device__ __forceinline__ size_t place(int x, int row) {
    x = x < 0 ? 0 : x >= WIDTH ? WIDTH - 1 : x;
    row = row < 0 ? 0 : row >= HEIGHT ? HEIGHT - 1 : row;
    return (size_t)row * WIDTH + x;
}

__device__ __forceinline__ Pixel pixel_at(const ELEMENT* rgb, int x, int row) {
    size_t at = place(x, row);
    return pixel(rgb[RED * PIXELS + at], rgb[GREEN * PIXELS + at], rgb[BLUE * PIXELS + at]);
}

// The pixels at x, which is even, and x + 1.
__device__ __forceinline__ void pixels_at(const ELEMENT* rgb, int x, int row, Pixel& first, Pixel& second) {
#if PAIRED
    size_t at = place(x, row);
    Elements red = *reinterpret_cast<const Elements*>(rgb + RED * PIXELS + at);
    Elements green = *reinterpret_cast<const Elements*>(rgb + GREEN * PIXELS + at);
    Elements blue = *reinterpret_cast<const Elements*>(rgb + BLUE * PIXELS + at);
    first = pixel(red.first, green.first, blue.first);
    second = pixel(red.second, green.second, blue.second);
#else
    first = pixel_at(rgb, x, row);
    second = pixel_at(rgb, x + 1, row);
#endif
}

__device__ __forceinline__ SAMPLE coded(float value) {
    int code = __float2int_rn(value);
    return (SAMPLE)((code < 0 ? 0 : code > HIGHEST ? HIGHEST : code) << SHIFT);
}

// The weight of the luma sample `offset` (-1, 0 or 1) away from where its chroma sample is counted from.
__device__ __forceinline__ float weight(int offset, bool subsampled, bool cosited) {
    if (!subsampled) return offset == 0 ? 1.0f : 0.0f;
    return cosited ? (offset == 0 ? 0.5f : 0.25f) : (offset < 0 ? 0.0f : 0.5f);
}

__device__ __forceinline__ void write_luma(SAMPLE* luma, int pitch, int x, int row, Pixel first, Pixel second) {
    size_t at = (size_t)row * pitch + x;
    SAMPLE a = coded(first.y * LUMA_SCALE + LUMA_OFFSET), b = coded(second.y * LUMA_SCALE + LUMA_OFFSET);
#if PAIRED && SUB_X
    *reinterpret_cast<Samples*>(luma + at) = {a, b};
#else
    luma[at] = a;
    if (SUB_X && x + 1 < WIDTH) luma[at + 1] = b;
#endif
}

// RGB to samples. A thread makes one chroma sample and the luma samples that share it. Luma's pitch is WIDTH.
extern "C" __global__ void from_rgb(const ELEMENT* __restrict__ rgb, SAMPLE* __restrict__ luma, SAMPLE* __restrict__ u,
                                    SAMPLE* __restrict__ v, int luma_pitch, int chroma_pitch) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= CHROMA_WIDTH || j >= CHROMA_HEIGHT) return;
    float cb = 0.0f, cr = 0.0f;
    int x = i << SUB_X;
#pragma unroll
    for (int dy = -1; dy <= 1; ++dy) {
        float down = weight(dy, SUB_Y, COSITED_Y);
        if (down == 0.0f) continue;
        int row = (j << SUB_Y) + dy;
        Pixel left = {0.0f, 0.0f, 0.0f}, here, right = left;
        if (SUB_X) pixels_at(rgb, x, row, here, right);
        else here = pixel_at(rgb, x, row);
        if (SUB_X && COSITED_X) left = pixel_at(rgb, x - 1, row);
        float before = weight(-1, SUB_X, COSITED_X), own = weight(0, SUB_X, COSITED_X);
        float after = weight(1, SUB_X, COSITED_X);
        cb += down * (before * left.cb + own * here.cb + after * right.cb);
        cr += down * (before * left.cr + own * here.cr + after * right.cr);
        if (dy >= 0 && row < HEIGHT) write_luma(luma, luma_pitch, x, row, here, right);
    }
#if STEP
    u[(size_t)j * chroma_pitch + i * STEP] = coded(cb * U_SCALE + CHROMA_OFFSET);
    v[(size_t)j * chroma_pitch + i * STEP] = coded(cr * V_SCALE + CHROMA_OFFSET);
#endif
}
