// Tiles: cut out of the tensor of the complete frame, and their output pasted into the output of the complete frame.
//
// The arithmetic is that of tiling.py, which defines positions and weights of the tiles. ELEMENT is defined in
// element.cu.
//
//   PLANES                     planes of the tensors: 3, or 1 for luma
//   WIDTH, HEIGHT              size of the frame, (PLANES, HEIGHT, WIDTH)
//   TILE_WIDTH, TILE_HEIGHT    size of a tile, (PLANES, TILE_HEIGHT, TILE_WIDTH); may exceed the frame
//   SCALE                      factor by which the network enlarges
//   MARGIN, RAMP               fields of the Tiling

// Index of a pixel in a row that is continued by its mirror image, which does not repeat the last pixel.
__device__ __forceinline__ int mirrored(int index, int length) {
    if (index < length) return index;
    int period = length > 1 ? 2 * (length - 1) : 1;
    index %= period;
    return index < length ? index : period - index;
}

// Cut out the tile whose first pixel is x, y. A thread copies one pixel.
extern "C" __global__ void cut(const ELEMENT* __restrict__ rgb, ELEMENT* __restrict__ tile, int x, int y) {
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= TILE_WIDTH || row >= TILE_HEIGHT) return;
    size_t given = (size_t)mirrored(y + row, HEIGHT) * WIDTH + mirrored(x + column, WIDTH);
#if INTERLEAVED
    reinterpret_cast<Interleaved*>(tile)[(size_t)row * TILE_WIDTH + column] =
        reinterpret_cast<const Interleaved*>(rgb)[given];
    return;
#endif
#pragma unroll
    for (int plane = 0; plane < PLANES; ++plane)
        tile[(size_t)(plane * TILE_HEIGHT + row) * TILE_WIDTH + column] = rgb[(size_t)plane * WIDTH * HEIGHT + given];
}

// Height, in 0..1, of the ramp that begins at pixel `begin` of a tile, at the centre of pixel `at` of its output.
__device__ __forceinline__ float risen(int at, int begin) {
    float length = RAMP ? 2 * SCALE * RAMP : 1;
    return fminf(fmaxf((float)(2 * (at - SCALE * begin) + 1) / length, 0.0f), 1.0f);
}

// Weight of a tile of length `size` at pixel `at` of its output, which fades out if there is a next neighbour.
__device__ __forceinline__ float remaining(int at, int size, bool neighbour) {
    return neighbour ? 1.0f - risen(at, size - MARGIN - RAMP) : 1.0f;
}

// Paste a tile's output into the frame's output. Tiles must be pasted in order. A thread pastes one pixel. Of the tiles
// that share a pixel, the first has no ramp of its own there: it overwrites, and the others add, so the output need not
// be cleared before.
extern "C" __global__ void paste(const ELEMENT* __restrict__ tile, ELEMENT* __restrict__ rgb, int x, int y, int left,
                                 int top) {
    int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= SCALE * TILE_WIDTH || row >= SCALE * TILE_HEIGHT) return;
    if (SCALE * x + column >= SCALE * WIDTH || SCALE * y + row >= SCALE * HEIGHT) return;  // beyond the frame
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
