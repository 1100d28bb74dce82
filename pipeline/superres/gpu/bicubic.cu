// Samples between samples of a coarser grid, by Keys' cubic convolution with a = -0.5, as colour/resample.py.

// From the sample `first` on, four samples, each with its weight.
struct Cubic { int first; float weight[4]; };

// What makes the value at sample `at` of a grid `times` as fine, where the coarse grid is one of every second sample
// (sub 1), `phase` halves of a sample behind the first of two, or of every one (sub 0). Exact: in whole numbers.
__device__ __forceinline__ Cubic cubic(int at, int times, int sub, int phase) {
    int whole = 2 * times << sub, place = 2 * at + 1 - times * (sub ? 1 + phase : 1) + whole;  // one sample too far
    int near = place / whole;
    float t = (float)(place - near * whole) / whole, s = 1.0f - t;
    return {near - 2, {-0.5f * t * s * s, 1.0f + t * t * (1.5f * t - 2.5f), 1.0f + s * s * (1.5f * s - 2.5f), -0.5f * s * t * t}};
}

// Where sample `index` lies in a row that goes on at its ends with its last samples.
__device__ __forceinline__ int inside(int index, int length) {
    return index < 0 ? 0 : index >= length ? length - 1 : index;
}

// The value of `plane`, `width` x `height` samples as wide as its pitch says, where `across` and `down` meet.
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
