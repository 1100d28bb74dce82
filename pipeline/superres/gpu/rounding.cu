// Quantization of a value in levels to a code value: optional dither, rounding to nearest even, clamping. The
// arithmetic is that of colour/quantize.py.
//
//   SAMPLE     unsigned char or unsigned short        SHIFT    left shift of a sample in its word
//   HIGHEST    largest code value                     DITHER   1 to dither

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
