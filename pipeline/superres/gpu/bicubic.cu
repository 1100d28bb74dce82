// Interpolation between the samples of a coarser grid by Keys' cubic convolution with a = -0.5, as in
// colour/resample.py.

// Weights of four samples, from sample `first` on.
struct Cubic { int first; float weight[4]; };

// The samples and weights for sample `at` of the output grid, which is `times` as fine as the luma grid. The coarse
// grid is the luma grid itself (sub 0), or has one sample for every two (sub 1), `phase` halves of their distance after
// the first. The position is computed in integers, so it is exact.
__device__ __forceinline__ Cubic cubic(int at, int times, int sub, int phase) {
    int whole = 2 * times << sub, place = 2 * at + 1 - times * (sub ? 1 + phase : 1) + whole;  // one sample too far
    int near = place / whole;
    float t = (float)(place - near * whole) / whole, s = 1.0f - t;
    return {near - 2, {-0.5f * t * s * s, 1.0f + t * t * (1.5f * t - 2.5f), 1.0f + s * s * (1.5f * s - 2.5f), -0.5f * s * t * t}};
}

// Index of a sample in a row whose ends are replicated.
__device__ __forceinline__ int inside(int index, int length) {
    return index < 0 ? 0 : index >= length ? length - 1 : index;
}

// Interpolate `plane`, `width` x `height` samples, at the crossing of `across` and `down`.
template <class T>
__device__ __forceinline__ float resampled(const T* plane, int pitch, int step, int shift, int width, int height,
                                           const Cubic& across, const Cubic& down) {
    float sum = 0.0f;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
        const T* row = plane + (size_t)inside(down.first + j, height) * pitch;
        float part = 0.0f;
#pragma unroll
        for (int i = 0; i < 4; ++i)
            part += across.weight[i] * (float)(row[inside(across.first + i, width) * step] >> shift);
        sum += down.weight[j] * part;
    }
    return sum;
}
