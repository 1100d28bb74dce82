// Resampling of the RGB tensor to the size of the output. The arithmetic is that of `resampled` in colour/resample.py.
//
//   IN_WIDTH, IN_HEIGHT      size of the tensor to resample, (3, IN_HEIGHT, IN_WIDTH)
//   OUT_WIDTH, OUT_HEIGHT    size of the output, (3, OUT_HEIGHT, OUT_WIDTH)

// A thread computes one pixel.
extern "C" __global__ void resample(const ELEMENT* __restrict__ given, ELEMENT* __restrict__ made) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= OUT_WIDTH || y >= OUT_HEIGHT) return;
    const Filter<IN_WIDTH, OUT_WIDTH> across(x);
    const Filter<IN_HEIGHT, OUT_HEIGHT> down(y);
    for (int plane = 0; plane < 3; ++plane) {
        const ELEMENT* from = given + (size_t)plane * IN_WIDTH * IN_HEIGHT;
        float value = filtered(across, down, IN_WIDTH, IN_HEIGHT,
                               [from](int column, int row) { return read(from[(size_t)row * IN_WIDTH + column]); });
        made[((size_t)plane * OUT_HEIGHT + y) * OUT_WIDTH + x] = written(value);
    }
}
