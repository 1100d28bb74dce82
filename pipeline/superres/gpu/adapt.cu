// Between two networks of a cascade: the output of one becomes the input of the next, whose type, layout, order of
// channels and value range may differ.
//
//   WIDTH, HEIGHT    size of the tensor, (PLANES, HEIGHT, WIDTH)
//   PLANES           3 for RGB, 1 for luma
//   GIVEN_HALF       1 if the given tensor is fp16, 0 if it is fp32; HALF and INTERLEAVED describe the written one
//   REVERSED         1 if the order of channels is reversed
//   GAIN             value of white in the written tensor, divided by that in the given one

#if GIVEN_HALF
typedef Half GIVEN;
#else
typedef float GIVEN;
#endif

// A thread converts one pixel.
extern "C" __global__ void adapt(const GIVEN* __restrict__ given, ELEMENT* __restrict__ made) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= WIDTH || y >= HEIGHT) return;
    size_t at = (size_t)y * WIDTH + x;
    const size_t pixels = (size_t)WIDTH * HEIGHT;
#if INTERLEAVED
    Interleaved pixel;
    for (int plane = 0; plane < 4; ++plane) pixel.at[plane] = written(0.0f);
#endif
    for (int plane = 0; plane < PLANES; ++plane) {
        ELEMENT value = written(read(given[(REVERSED ? PLANES - 1 - plane : plane) * pixels + at]) * GAIN);
#if INTERLEAVED
        pixel.at[plane] = value;
#else
        made[plane * pixels + at] = value;
#endif
    }
#if INTERLEAVED
    reinterpret_cast<Interleaved*>(made)[at] = pixel;
#endif
}
