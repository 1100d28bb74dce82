// Conversions for networks that upscale luma alone: luma of a frame's samples, and the resampled chroma of the frame
// around upscaled luma. The arithmetic is that of colour/luma.py.
//
//   WIDTH, HEIGHT, SUB_X, SUB_Y, PHASE_X, PHASE_Y, SAMPLE, SHIFT, STEP, RGB_SAMPLES, RANGE, ...   as in kernels.cu
//   SCALE                              factor by which the network enlarges
//   RED_LUMA, GREEN_LUMA, BLUE_LUMA    share of each colour in luma

#define CHROMA_WIDTH ((WIDTH + (1 << SUB_X) - 1) >> SUB_X)
#define CHROMA_HEIGHT ((HEIGHT + (1 << SUB_Y) - 1) >> SUB_Y)
#define PIXELS ((size_t)(SCALE * WIDTH) * (SCALE * HEIGHT))

__device__ __forceinline__ float luma_of(float green, float blue, float red) {
    return GREEN_LUMA * green + BLUE_LUMA * blue + RED_LUMA * red;
}

// Convert samples to luma, (1, HEIGHT, WIDTH). Pitches are in samples. A thread computes one pixel.
extern "C" __global__ void to_luma(const SAMPLE* __restrict__ luma, const SAMPLE* __restrict__ u,
                                   const SAMPLE* __restrict__ v, int luma_pitch, int chroma_pitch,
                                   ELEMENT* __restrict__ made) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= WIDTH || y >= HEIGHT) return;
    float value = (float)(luma[(size_t)y * luma_pitch + x] >> SHIFT);
#if RGB_SAMPLES
    size_t at = (size_t)y * chroma_pitch + x;
    value = luma_of(value, (float)u[at], (float)v[at]);
#endif
    ELEMENT element = written((value * LUMA_GAIN + LUMA_BIAS) * RANGE);
#if INTERLEAVED
    ELEMENT zero = written(0.0f);
    reinterpret_cast<Interleaved*>(made)[(size_t)y * WIDTH + x] = {{element, zero, zero, zero}};
#else
    made[(size_t)y * WIDTH + x] = element;
#endif
}

struct Differences { float red, green, blue; };  // of each colour from luma

__device__ __forceinline__ Differences differences_at(const SAMPLE* luma, const SAMPLE* u, const SAMPLE* v,
                                                      int luma_pitch, int chroma_pitch, int x, int y) {
#if RGB_SAMPLES || STEP
    Cubic across = cubic(x, SCALE, SUB_X, PHASE_X), down = cubic(y, SCALE, SUB_Y, PHASE_Y);
    float b = resampled(u, chroma_pitch, STEP, SHIFT, CHROMA_WIDTH, CHROMA_HEIGHT, across, down) * CHROMA_GAIN + CHROMA_BIAS;
    float r = resampled(v, chroma_pitch, STEP, SHIFT, CHROMA_WIDTH, CHROMA_HEIGHT, across, down) * CHROMA_GAIN + CHROMA_BIAS;
#endif
#if RGB_SAMPLES
    float g = resampled(luma, luma_pitch, STEP, SHIFT, WIDTH, HEIGHT, across, down) * LUMA_GAIN + LUMA_BIAS;
    float own = luma_of(g, b, r);
    return {r - own, g - own, b - own};
#elif STEP
    return {RED_V * r, GREEN_U * b + GREEN_V * r, BLUE_U * b};
#else
    return {0.0f, 0.0f, 0.0f};
#endif
}

// Combine upscaled luma, (1, SCALE HEIGHT, SCALE WIDTH), with the frame's chroma to RGB of the same size. A thread
// computes one pixel.
extern "C" __global__ void with_chroma(const ELEMENT* __restrict__ large, const SAMPLE* __restrict__ luma,
                                       const SAMPLE* __restrict__ u, const SAMPLE* __restrict__ v, int luma_pitch,
                                       int chroma_pitch, ELEMENT* __restrict__ rgb) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= SCALE * WIDTH || y >= SCALE * HEIGHT) return;
    size_t at = (size_t)y * (SCALE * WIDTH) + x;
    float own = read(large[at]) * (1.0f / RANGE);
    Differences differ = differences_at(luma, u, v, luma_pitch, chroma_pitch, x, y);
    rgb[at] = written((own + differ.red) * RANGE);
    rgb[PIXELS + at] = written((own + differ.green) * RANGE);
    rgb[2 * PIXELS + at] = written((own + differ.blue) * RANGE);
}
