// The overshoot limiter: the network's output is clipped to the local range of its input. The arithmetic is that of
// colour/hdr_limit.py.
//
//   WIDTH, HEIGHT    size of the input, (PLANES, HEIGHT, WIDTH)
//   SCALE            factor by which the network enlarges
//   PLANES           3 for RGB, 1 for luma

// Index of plane `plane` of a pixel in the input.
__device__ __forceinline__ size_t input_at(int plane, int x, int y) {
    return INTERLEAVED ? ((size_t)y * WIDTH + x) * 4 + plane : (size_t)(plane * HEIGHT + y) * WIDTH + x;
}

// A thread limits the SCALE x SCALE output pixels of one input pixel.
extern "C" __global__ void limit(const ELEMENT* __restrict__ given, ELEMENT* __restrict__ enlarged) {
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= WIDTH || row >= HEIGHT) return;
#pragma unroll
    for (int plane = 0; plane < PLANES; ++plane) {
        float lowest = read(given[input_at(plane, column, row)]), highest = lowest;
#pragma unroll
        for (int dy = -1; dy <= 1; ++dy) {
            int y = row + dy < 0 ? 0 : row + dy >= HEIGHT ? HEIGHT - 1 : row + dy;
#pragma unroll
            for (int dx = -1; dx <= 1; ++dx) {
                int x = column + dx < 0 ? 0 : column + dx >= WIDTH ? WIDTH - 1 : column + dx;
                float around = read(given[input_at(plane, x, y)]);
                lowest = fminf(lowest, around);
                highest = fmaxf(highest, around);
            }
        }
        for (int down = 0; down < SCALE; ++down) {
            size_t start = (size_t)(plane * HEIGHT + row) * SCALE + down;
            ELEMENT* made = enlarged + start * (SCALE * WIDTH) + SCALE * column;
            for (int across = 0; across < SCALE; ++across)
                made[across] = written(fminf(fmaxf(read(made[across]), lowest), highest));
        }
    }
}
