// Alpha, which bypasses the network: enlarged as in colour/alpha.py, or filled with full opacity.
//
//   WIDTH, HEIGHT    size of the source's alpha        GIVEN     unsigned char or unsigned short: the source's samples
//   SCALE            factor of the enlargement         GAIN      levels of the output per level of the source
//   ...              the macros of rounding.cu, for the output

// A thread computes one sample.
extern "C" __global__ void enlarge(const GIVEN* __restrict__ given, SAMPLE* __restrict__ alpha) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= SCALE * WIDTH || y >= SCALE * HEIGHT) return;
    float value = resampled(given, WIDTH, 1, 0, WIDTH, HEIGHT, cubic(x, SCALE, 0, 0), cubic(y, SCALE, 0, 0));
    alpha[(size_t)y * (SCALE * WIDTH) + x] = coded(value * GAIN, x, y);
}

extern "C" __global__ void opaque(SAMPLE* __restrict__ alpha) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x < SCALE * WIDTH && y < SCALE * HEIGHT) alpha[(size_t)y * (SCALE * WIDTH) + x] = HIGHEST << SHIFT;
}
