// Tiles cut out of the whole frame's tensor, and what the network makes of them pasted into the whole result.
//
// The arithmetic is that of tiling.py, which says where tiles lie and what they count. ELEMENT is element.cu's.
//
//   PLANES                     of the tensors: 3, or 1 of luma alone
//   WIDTH, HEIGHT              the frame, (PLANES, HEIGHT, WIDTH)
//   TILE_WIDTH, TILE_HEIGHT    a tile, (PLANES, TILE_HEIGHT, TILE_WIDTH)
//   SCALE                      how much larger the network makes them
//   MARGIN, RAMP               of the Tiling

// The tile whose first pixel is x, y. A thread copies one pixel.
extern "C" __global__ void cut(const ELEMENT* __restrict__ rgb, ELEMENT* __restrict__ tile, int x, int y) {
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= TILE_WIDTH || row >= TILE_HEIGHT) return;
#pragma unroll
    for (int plane = 0; plane < PLANES; ++plane) {
        size_t from = (size_t)(plane * HEIGHT + y + row) * WIDTH + x + column;
        tile[(size_t)(plane * TILE_HEIGHT + row) * TILE_WIDTH + column] = rgb[from];
    }
}

// How far the ramp that begins at pixel `begin` of a tile has risen at the middle of pixel `at` of its output.
__device__ __forceinline__ float risen(int at, int begin) {
    float length = RAMP ? 2 * SCALE * RAMP : 1;
    return fminf(fmaxf((float)(2 * (at - SCALE * begin) + 1) / length, 0.0f), 1.0f);
}

// How much remains of a tile `size` long at pixel `at` of its output, where it may have a next neighbour.
__device__ __forceinline__ float remaining(int at, int size, bool neighbour) {
    return neighbour ? 1.0f - risen(at, size - MARGIN - RAMP) : 1.0f;
}

// The tile's output into the result, tiles in their order. A thread pastes one pixel. Of the tiles that share a pixel,
// the first is the one that has no ramp of its own there: it writes, the others add, so the result need not be cleared.
extern "C" __global__ void paste(const ELEMENT* __restrict__ tile, ELEMENT* __restrict__ rgb, int x, int y, int left,
                                 int top) {
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= SCALE * TILE_WIDTH || row >= SCALE * TILE_HEIGHT) return;
    float across = x > 0 ? risen(column, left) : 1.0f, down = y > 0 ? risen(row, top) : 1.0f;
    bool first = across == 1.0f && down == 1.0f;
    across *= remaining(column, TILE_WIDTH, x + TILE_WIDTH < WIDTH);
    down *= remaining(row, TILE_HEIGHT, y + TILE_HEIGHT < HEIGHT);
    float weight = down * across;
    if (weight == 0.0f) return;
#pragma unroll
    for (int plane = 0; plane < PLANES; ++plane) {
        size_t to = (size_t)(plane * SCALE * HEIGHT + SCALE * y + row) * (SCALE * WIDTH) + SCALE * x + column;
        size_t from = (size_t)(plane * SCALE * TILE_HEIGHT + row) * (SCALE * TILE_WIDTH) + column;
        float value = weight * read(tile[from]);
        rgb[to] = written(first ? value : read(rgb[to]) + value);
    }
}
