// Conversion between a frame's samples and the network's RGB tensor, with one pass over the memory in each direction.
//
// Compiled for one stream at a time: kernels.py defines everything that does not change from frame to frame as macros
// (sizes, subsampling, depth, coefficients of colour/matrix.py), so that the compiler can fold it. The arithmetic is
// that of colour/convert.py; the kernels are tested against it in float64. ELEMENT is defined in element.cu, `coded` in
// rounding.cu.
//
//   WIDTH, HEIGHT        size of luma                  SAMPLE     unsigned char or unsigned short
//   SUB_X, SUB_Y         log2 of chroma subsampling    SHIFT      left shift of a sample in its word
//   STEP                 2 for interleaved U and V, 1 for planes, 0 for no chroma
//   RGB_SAMPLES          1 if the planes luma, u and v contain green, blue and red
//   PHASE_X, PHASE_Y     position of chroma after the first of two luma samples, in halves of their distance: 0, 1 or 2
//   RED, GREEN, BLUE     index of each colour's plane in the tensor
//   RANGE                value of white in the tensor
//   ...                  the fields of Conversion

#define CHROMA_WIDTH ((WIDTH + (1 << SUB_X) - 1) >> SUB_X)
#define CHROMA_HEIGHT ((HEIGHT + (1 << SUB_Y) - 1) >> SUB_Y)
#define PIXELS ((size_t)WIDTH * HEIGHT)

struct Tap { int near, far; float weight; };  // the value is near + weight (far - near)

// The two chroma samples that the chroma at luma position k is interpolated from.
__device__ __forceinline__ Tap tap(int k, int length, bool subsampled, int phase) {
    if (!subsampled) return {k, k, 0.0f};
    int near = k >> 1, far = near + ((k & 1) ? (phase == 2 ? 0 : 1) : phase == 0 ? 0 : -1);
    far = far < 0 ? 0 : far >= length ? length - 1 : far;
    return {near, far, phase == 1 ? 0.25f : 0.5f * (phase == 0 ? k & 1 : ~k & 1)};
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

// A thread processes COLUMNS neighbours of a row, which share GROUP chroma samples, and accesses memory in words.
#define COLUMNS (WIDTH % 4 == 0 ? 4 : 1 << SUB_X)
#define GROUP (COLUMNS >> SUB_X)
#define IN_WORDS (WIDTH % COLUMNS == 0)
struct alignas(COLUMNS * sizeof(ELEMENT)) Elements { ELEMENT at[COLUMNS]; };
struct alignas(COLUMNS * sizeof(SAMPLE)) Samples { SAMPLE at[COLUMNS]; };
struct alignas(GROUP * sizeof(SAMPLE)) Chroma { SAMPLE at[GROUP]; };

// Write `values` to `row` from x on, up to the end of the row.
template <class Word, class T> __device__ __forceinline__ void write_row(T* row, int x, Word values) {
    if (IN_WORDS) *reinterpret_cast<Word*>(row + x) = values;
    else
        for (int c = 0; c < COLUMNS; ++c)
            if (x + c < WIDTH) row[x + c] = values.at[c];
}

struct Rgb { float red, green, blue; };

__device__ __forceinline__ Rgb rgb_at(const SAMPLE* luma, const SAMPLE* u, const SAMPLE* v, int luma_pitch,
                                      int chroma_pitch, int x, int row) {
    float y = sample(luma, luma_pitch, x, row, 1) * LUMA_GAIN + LUMA_BIAS;
    Rgb rgb = {y, y, y};
#if RGB_SAMPLES
    rgb.red = sample(v, chroma_pitch, x, row, 1) * CHROMA_GAIN + CHROMA_BIAS;
    rgb.blue = sample(u, chroma_pitch, x, row, 1) * CHROMA_GAIN + CHROMA_BIAS;
#elif STEP
    Tap h = tap(x, CHROMA_WIDTH, SUB_X, PHASE_X), w = tap(row, CHROMA_HEIGHT, SUB_Y, PHASE_Y);
    float cb = chroma_at(u, chroma_pitch, h, w) * CHROMA_GAIN + CHROMA_BIAS;
    float cr = chroma_at(v, chroma_pitch, h, w) * CHROMA_GAIN + CHROMA_BIAS;
    rgb.red += RED_V * cr;
    rgb.green += GREEN_U * cb + GREEN_V * cr;
    rgb.blue += BLUE_U * cb;
#endif
    return rgb;
}

// Convert samples to RGB. Pitches are in samples.
extern "C" __global__ void to_rgb(const SAMPLE* __restrict__ luma, const SAMPLE* __restrict__ u,
                                  const SAMPLE* __restrict__ v, int luma_pitch, int chroma_pitch,
                                  ELEMENT* __restrict__ rgb) {
    int x = COLUMNS * (blockIdx.x * blockDim.x + threadIdx.x), row = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= WIDTH || row >= HEIGHT) return;
    Elements red, green, blue;
#pragma unroll
    for (int c = 0; c < COLUMNS; ++c) {
        int column = x + c < WIDTH ? x + c : WIDTH - 1;
        Rgb made = rgb_at(luma, u, v, luma_pitch, chroma_pitch, column, row);
        red.at[c] = written(made.red * RANGE);
        green.at[c] = written(made.green * RANGE);
        blue.at[c] = written(made.blue * RANGE);
    }
    size_t start = (size_t)row * WIDTH;
#if INTERLEAVED
#pragma unroll
    for (int c = 0; c < COLUMNS; ++c) {
        Interleaved pixel;
        pixel.at[RED] = red.at[c], pixel.at[GREEN] = green.at[c], pixel.at[BLUE] = blue.at[c], pixel.at[3] = written(0.0f);
        if (x + c < WIDTH) reinterpret_cast<Interleaved*>(rgb)[start + x + c] = pixel;
    }
#else
    write_row(rgb + RED * PIXELS + start, x, red);
    write_row(rgb + GREEN * PIXELS + start, x, green);
    write_row(rgb + BLUE * PIXELS + start, x, blue);
#endif
}

struct Pixel { float y, cb, cr; };  // cb, cr: B - Y' and R - Y', not scaled; for RGB samples: green, blue, red

__device__ __forceinline__ Pixel pixel(ELEMENT r, ELEMENT g, ELEMENT b) {
    float red = read(r) * (1.0f / RANGE), green = read(g) * (1.0f / RANGE), blue = read(b) * (1.0f / RANGE);
#if RGB_SAMPLES
    return {green, blue, red};
#else
    float y = KR * red + KG * green + KB * blue;
    return {y, blue - y, red - y};
#endif
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

// Read COLUMNS pixels from x on.
__device__ __forceinline__ void pixels_at(const ELEMENT* rgb, int x, int row, Pixel* pixels) {
    if (IN_WORDS) {
        size_t at = place(x, row);
        Elements red = *reinterpret_cast<const Elements*>(rgb + RED * PIXELS + at);
        Elements green = *reinterpret_cast<const Elements*>(rgb + GREEN * PIXELS + at);
        Elements blue = *reinterpret_cast<const Elements*>(rgb + BLUE * PIXELS + at);
#pragma unroll
        for (int c = 0; c < COLUMNS; ++c) pixels[c] = pixel(red.at[c], green.at[c], blue.at[c]);
    } else {
        for (int c = 0; c < COLUMNS; ++c) pixels[c] = pixel_at(rgb, x + c, row);
    }
}

// Weight of the luma sample at distance `offset` (-1 to 2) from the first of those that share a chroma sample.
__device__ __forceinline__ float weight(int offset, bool subsampled, int phase) {
    if (!subsampled) return offset == 0 ? 1.0f : 0.0f;
    if (phase == 1) return offset == 0 || offset == 1 ? 0.5f : 0.0f;
    int away = 2 * offset - phase;  // distance from the chroma sample, in halves
    return away == 0 ? 0.5f : away == 2 || away == -2 ? 0.25f : 0.0f;
}

// Convert RGB to samples. A thread computes GROUP chroma samples and the luma samples that share them.
extern "C" __global__ void from_rgb(const ELEMENT* __restrict__ rgb, SAMPLE* __restrict__ luma, SAMPLE* __restrict__ u,
                                    SAMPLE* __restrict__ v, int luma_pitch, int chroma_pitch) {
    int i = GROUP * (blockIdx.x * blockDim.x + threadIdx.x), j = blockIdx.y * blockDim.y + threadIdx.y;
    if (i >= CHROMA_WIDTH || j >= CHROMA_HEIGHT) return;
    const float before = weight(-1, SUB_X, PHASE_X), own = weight(0, SUB_X, PHASE_X);
    const float after = weight(1, SUB_X, PHASE_X), behind = weight(2, SUB_X, PHASE_X);
    float cb[GROUP] = {}, cr[GROUP] = {};
    int x = i << SUB_X;
#pragma unroll
    for (int dy = -1; dy <= (PHASE_Y == 2 ? 2 : 1); ++dy) {
        float down = weight(dy, SUB_Y, PHASE_Y);
        if (down == 0.0f) continue;
        int row = (j << SUB_Y) + dy;
        Pixel pixels[1 + COLUMNS + 1];  // the first is left of x, the last is right of the COLUMNS pixels from x on
        pixels[0] = before ? pixel_at(rgb, x - 1, row) : Pixel{0.0f, 0.0f, 0.0f};
        pixels_at(rgb, x, row, pixels + 1);
        pixels[COLUMNS + 1] = behind ? pixel_at(rgb, x + COLUMNS, row) : Pixel{0.0f, 0.0f, 0.0f};
#pragma unroll
        for (int g = 0; g < GROUP; ++g) {
            const Pixel* here = pixels + 1 + (g << SUB_X);
            cb[g] += down * (before * here[-1].cb + own * here->cb + (SUB_X ? after * here[SUB_X].cb : 0.0f));
            cr[g] += down * (before * here[-1].cr + own * here->cr + (SUB_X ? after * here[SUB_X].cr : 0.0f));
            if (behind) cb[g] += down * behind * here[2 * SUB_X].cb, cr[g] += down * behind * here[2 * SUB_X].cr;
        }
        if (dy >= 0 && dy <= SUB_Y && row < HEIGHT) {
            Samples samples;
#pragma unroll
            for (int c = 0; c < COLUMNS; ++c)
                samples.at[c] = coded(pixels[c + 1].y * LUMA_SCALE + LUMA_OFFSET, x + c, row);
            write_row(luma + (size_t)row * luma_pitch, x, samples);
        }
    }
#if STEP
    u += (size_t)j * chroma_pitch + i * STEP;
    v += (size_t)j * chroma_pitch + i * STEP;
    Chroma us, vs;
#pragma unroll
    for (int g = 0; g < GROUP; ++g) {
        us.at[g] = coded(cb[g] * U_SCALE + CHROMA_OFFSET, i + g, j);
        vs.at[g] = coded(cr[g] * V_SCALE + CHROMA_OFFSET, i + g, j);
    }
    if (STEP == 1) {
        *reinterpret_cast<Chroma*>(u) = us;
        *reinterpret_cast<Chroma*>(v) = vs;
    } else {
#pragma unroll
        for (int g = 0; g < GROUP; ++g) u[g * STEP] = us.at[g], v[g * STEP] = vs.at[g];
    }
#endif
}
