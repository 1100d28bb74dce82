#include "kernel_shim.h"

#include "kernels.cu"

// Every thread of a grid of `columns` x `rows` blocks of 32 x 4, as kernels.py launches them.
template <class Kernel, class... Arguments> static void run(Kernel kernel, int columns, int rows, Arguments... arguments) {
    blockDim = {32, 4};
    for (blockIdx.y = 0; blockIdx.y < (rows + 3) / 4; ++blockIdx.y)
        for (blockIdx.x = 0; blockIdx.x < (columns + 31) / 32; ++blockIdx.x)
            for (threadIdx.y = 0; threadIdx.y < 4; ++threadIdx.y)
                for (threadIdx.x = 0; threadIdx.x < 32; ++threadIdx.x) kernel(arguments...);
}

extern "C" void run_to_rgb(const SAMPLE* y, const SAMPLE* u, const SAMPLE* v, int luma, int chroma, ELEMENT* rgb) {
    run(to_rgb, (WIDTH + COLUMNS - 1) / COLUMNS, HEIGHT, y, u, v, luma, chroma, rgb);
}

extern "C" void run_from_rgb(const ELEMENT* rgb, SAMPLE* y, SAMPLE* u, SAMPLE* v, int luma, int chroma) {
    run(from_rgb, (WIDTH + COLUMNS - 1) / COLUMNS, CHROMA_HEIGHT, rgb, y, u, v, luma, chroma);
}
