// Antialiased bicubic resampling of a row or column to another length, as in colour/resample.py: Keys' cubic convolution
// with a = -0.5, stretched by the factor when shrinking. Follows bicubic.cu.

// Keys' kernel at distance x.
__device__ __forceinline__ float keys(float x) {
    x = x < 0.0f ? -x : x;
    return x < 1.0f ? 1.0f + x * x * (1.5f * x - 2.5f) : x < 2.0f ? 2.0f - x * (4.0f - x * (2.5f - 0.5f * x)) : 0.0f;
}

// The COUNT source samples, from `first` on, that contribute to a sample of the output, and their weights. FROM and TO
// are the lengths of the source and of the output. Positions are computed in integers, so they are exact: in units of
// 1 / (2 TO) of the distance between source samples.
template <int FROM, int TO> struct Filter {
    static constexpr int REACH = FROM > TO ? FROM : TO;  // the kernel ends 2 REACH / TO samples from its centre
    static constexpr int COUNT = FROM == TO ? 1 : (4 * REACH + TO - 1) / TO;
    static constexpr int UNROLLED = COUNT <= 10 ? COUNT : 1;
    int first;
    float weight[COUNT];

    __device__ __forceinline__ explicit Filter(int at) {
        if (FROM == TO) {
            first = at, weight[0] = 1.0f;
            return;
        }
        long long centre = (2ll * at + 1) * FROM - TO, ahead = 2ll * TO * (COUNT + 2);  // `ahead` keeps it positive
        first = (int)((centre - 4ll * REACH + ahead) / (2ll * TO)) - (COUNT + 2) + 1;
        float sum = 0.0f;
#pragma unroll (UNROLLED)
        for (int tap = 0; tap < COUNT; ++tap) {
            weight[tap] = keys((float)(int)(centre - 2ll * TO * (first + tap)) / (2.0f * REACH));
            sum += weight[tap];
        }
#pragma unroll (UNROLLED)
        for (int tap = 0; tap < COUNT; ++tap) weight[tap] /= sum;
    }
};

// The sum of `sample(x, y)`, a value of a plane of `width` x `height`, with the weights of `across` and `down`.
template <class Across, class Down, class Sample>
__device__ __forceinline__ float filtered(const Across& across, const Down& down, int width, int height, Sample sample) {
    float sum = 0.0f;
#pragma unroll (Down::UNROLLED)
    for (int j = 0; j < Down::COUNT; ++j) {
        int y = inside(down.first + j, height);
        float part = 0.0f;
#pragma unroll (Across::UNROLLED)
        for (int i = 0; i < Across::COUNT; ++i) part += across.weight[i] * sample(inside(across.first + i, width), y);
        sum += down.weight[j] * part;
    }
    return sum;
}
