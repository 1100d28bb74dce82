// How opaque a picture is, made larger beside the network, as colour/alpha.py does; or all of it opaque.
//
//   WIDTH, HEIGHT    the plane that is given           GIVEN     unsigned char or unsigned short, its samples
//   SCALE            how much larger it becomes        GAIN      levels of the result in one of what is given
//   ...              of the result: rounding.cu's

// A thread makes one sample.
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
