// Reduction of a network's output by cubic convolution with a = -0.75 and without a filter against aliasing, as ONNX's
// Resize does it (mode "cubic", coordinates "half_pixel"), which is a part of some networks.
//
//   WIDTH, HEIGHT             size of what is reduced, (PLANES, HEIGHT, WIDTH)
//   NUMERATOR, DENOMINATOR    the factor, below 1; it divides both sizes without remainder
//   PLANES                    number of planes

#define A -0.75f

// Weights of four samples, from sample `first` on.
struct Cubic { int first; float weight[4]; };

__device__ __forceinline__ float beside(float d) { return ((A + 2.0f) * d - (A + 3.0f)) * d * d + 1.0f; }  // up to 1
__device__ __forceinline__ float beyond(float d) { return ((A * d - 5.0f * A) * d + 8.0f * A) * d - 4.0f * A; }  // 1 to 2

// The samples and weights for sample `at` of the output. The position is computed in integers, so it is exact.
__device__ __forceinline__ Cubic cubic(int at) {
    int whole = 2 * NUMERATOR, place = (2 * at + 1) * DENOMINATOR - NUMERATOR, near = place / whole;
    float t = (float)(place - near * whole) / whole;
    return {near - 1, {beyond(1.0f + t), beside(t), beside(1.0f - t), beyond(2.0f - t)}};
}

__device__ __forceinline__ int inside(int index, int length) {
    return index < 0 ? 0 : index >= length ? length - 1 : index;
}

// A thread computes a pixel of the output.
extern "C" __global__ void reduce(const ELEMENT* __restrict__ given, ELEMENT* __restrict__ reduced) {
    const int width = WIDTH * NUMERATOR / DENOMINATOR, height = HEIGHT * NUMERATOR / DENOMINATOR;
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= width || row >= height) return;
    Cubic across = cubic(column), down = cubic(row);
#pragma unroll
    for (int plane = 0; plane < PLANES; ++plane) {
        float sum = 0.0f;
#pragma unroll
        for (int j = 0; j < 4; ++j) {
            const ELEMENT* line = given + ((size_t)plane * HEIGHT + inside(down.first + j, HEIGHT)) * WIDTH;
            float part = 0.0f;
#pragma unroll
            for (int i = 0; i < 4; ++i) part += across.weight[i] * read(line[inside(across.first + i, WIDTH)]);
            sum += down.weight[j] * part;
        }
        reduced[((size_t)plane * height + row) * width + column] = written(sum);
    }
}
