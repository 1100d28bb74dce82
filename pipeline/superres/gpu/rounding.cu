// A value in levels as a code value: dithered where depth is lost, rounded to even, clamped. As colour/quantize.py.
//
//   SAMPLE     unsigned char or unsigned short        SHIFT    how far a sample sits up in its word
//   HIGHEST    the largest code value                 DITHER   1: dithered

// Bayer's threshold for the sample at x, y of its plane, in levels.
__device__ __forceinline__ float threshold(int x, int y) {
    int a = x ^ y;
    int rank = (a & 1) << 5 | (y & 1) << 4 | (a & 2) << 2 | (y & 2) << 1 | (a & 4) >> 1 | (y & 4) >> 2;
    return (2 * rank - 63) / 128.0f;
}

__device__ __forceinline__ SAMPLE coded(float value, int x, int y) {
    int code = __float2int_rn(DITHER ? value + threshold(x, y) : value);
    return (SAMPLE)((code < 0 ? 0 : code > HIGHEST ? HIGHEST : code) << SHIFT);
}
