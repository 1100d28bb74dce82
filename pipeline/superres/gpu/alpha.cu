// Alpha, which bypasses the network: resampled as in colour/alpha.py, or filled with full opacity.
//
//   WIDTH, HEIGHT    size of the source's alpha        GIVEN     unsigned char or unsigned short: the source's samples
//   OUT_WIDTH, OUT_HEIGHT    size of the output        GAIN      levels of the output per level of the source
//   ...              the macros of rounding.cu, for the output

// A thread computes one sample.
extern "C" __global__ void enlarge(const GIVEN* __restrict__ given, SAMPLE* __restrict__ alpha) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= OUT_WIDTH || y >= OUT_HEIGHT) return;
    const Filter<WIDTH, OUT_WIDTH> across(x);
    const Filter<HEIGHT, OUT_HEIGHT> down(y);
    float value = filtered(across, down, WIDTH, HEIGHT,
                           [given](int column, int row) { return (float)given[(size_t)row * WIDTH + column]; });
    alpha[(size_t)y * OUT_WIDTH + x] = coded(value * GAIN, x, y);
}

extern "C" __global__ void opaque(SAMPLE* __restrict__ alpha) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < OUT_WIDTH && y < OUT_HEIGHT) alpha[(size_t)y * OUT_WIDTH + x] = HIGHEST << SHIFT;
}
