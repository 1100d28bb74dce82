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

// Samples to RGB. A thread makes two neighbours of a row. Pitches are in samples.
extern "C" __global__ void to_rgb(const SAMPLE* luma, const SAMPLE* u, const SAMPLE* v, int luma_pitch, int chroma_pitch,
                                  ELEMENT* rgb) {
    int x = 2 * (blockIdx.x * blockDim.x + threadIdx.x), row = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= WIDTH || row >= HEIGHT) return;
    for (int i = 0; i < 2 && x + i < WIDTH; ++i) {
        float y = sample(luma, luma_pitch, x + i, row, 1) * LUMA_GAIN + LUMA_BIAS;
        float red = y, green = y, blue = y;
#if STEP
        Tap h = tap(x + i, CHROMA_WIDTH, SUB_X, COSITED_X), w = tap(row, CHROMA_HEIGHT, SUB_Y, COSITED_Y);
        float cb = chroma_at(u, chroma_pitch, h, w) * CHROMA_GAIN + CHROMA_BIAS;
        float cr = chroma_at(v, chroma_pitch, h, w) * CHROMA_GAIN + CHROMA_BIAS;
        red += RED_V * cr;
        green += GREEN_U * cb + GREEN_V * cr;
        blue += BLUE_U * cb;
#endif
        size_t at = (size_t)row * WIDTH + x + i;
        rgb[RED * PIXELS + at] = written(red * RANGE);
        rgb[GREEN * PIXELS + at] = written(green * RANGE);
        rgb[BLUE * PIXELS + at] = written(blue * RANGE);
    }
}

struct Pixel { float y, cb, cr; };  // cb, cr: blue and red less luma, not yet scaled

__device__ __forceinline__ Pixel pixel_at(const ELEMENT* rgb, int x, int row) {
    x = x < 0 ? 0 : x >= WIDTH ? WIDTH - 1 : x;
    row = row < 0 ? 0 : row >= HEIGHT ? HEIGHT - 1 : row;
    size_t at = (size_t)row * WIDTH + x;
    float red = read(rgb[RED * PIXELS + at]) * (1.0f / RANGE);
    float green = read(rgb[GREEN * PIXELS + at]) * (1.0f / RANGE);
    float blue = read(rgb[BLUE * PIXELS + at]) * (1.0f / RANGE);
    float y = KR * red + KG * green + KB * blue;
    return {y, blue - y, red - y};
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

// RGB to samples. A thread makes one chroma sample and the luma samples that share it.
extern "C" __global__ void from_rgb(const ELEMENT* rgb, SAMPLE* luma, SAMPLE* u, SAMPLE* v, int luma_pitch,
                                    int chroma_pitch) {
    int i = blockIdx.x * blockDim.x + threadIdx.x, j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= CHROMA_WIDTH || j >= CHROMA_HEIGHT) return;
    float cb = 0.0f, cr = 0.0f;
#pragma unroll
    for (int dy = -1; dy <= 1; ++dy) {
        float down = weight(dy, SUB_Y, COSITED_Y);
        if (down == 0.0f) continue;
#pragma unroll
        for (int dx = -1; dx <= 1; ++dx) {
            float across = weight(dx, SUB_X, COSITED_X);
            if (across == 0.0f) continue;
            int x = (i << SUB_X) + dx, row = (j << SUB_Y) + dy;
            Pixel pixel = pixel_at(rgb, x, row);
            cb += across * down * pixel.cb;
            cr += across * down * pixel.cr;
            bool own = dx >= 0 && dy >= 0 && x < WIDTH && row < HEIGHT;
            if (own) luma[(size_t)row * luma_pitch + x] = coded(pixel.y * LUMA_SCALE + LUMA_OFFSET);
        }
    }
#if STEP
    u[(size_t)j * chroma_pitch + i * STEP] = coded(cb * U_SCALE + CHROMA_OFFSET);
    v[(size_t)j * chroma_pitch + i * STEP] = coded(cr * V_SCALE + CHROMA_OFFSET);
#endif
}
