// Blend of the network's output with its resampled input. The arithmetic is that of `blend_with_source` in
// colour/resample.py.
//
//   WIDTH, HEIGHT    size of the input, (PLANES, HEIGHT, WIDTH)
//   SCALE            factor by which the network enlarges
//   PLANES           3 for RGB, 1 for luma
//   STRENGTH         share of the network, 0 to 1

// A thread blends one pixel of the output.
extern "C" __global__ void blend(const ELEMENT* __restrict__ given, ELEMENT* __restrict__ enlarged) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= SCALE * WIDTH || y >= SCALE * HEIGHT) return;
    const Filter<WIDTH, SCALE * WIDTH> across(x);
    const Filter<HEIGHT, SCALE * HEIGHT> down(y);
    for (int plane = 0; plane < PLANES; ++plane) {
        float source = filtered(across, down, WIDTH, HEIGHT, [given, plane](int column, int row) {
            size_t pixel = (size_t)row * WIDTH + column;
            return read(given[INTERLEAVED ? pixel * 4 + plane : (size_t)plane * WIDTH * HEIGHT + pixel]);
        });
        ELEMENT* made = enlarged + ((size_t)plane * (SCALE * HEIGHT) + y) * (SCALE * WIDTH) + x;
        *made = written(STRENGTH * read(*made) + (1.0f - STRENGTH) * source);
    }
}
