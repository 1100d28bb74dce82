// Lets a C++ compiler run kernels.cu on the CPU, one thread after the other: the words that only CUDA knows.
#include <cmath>
#include <cstddef>

#define SHIM
#define __global__
#define __device__
#define __forceinline__ inline
struct Index { int x, y; };
static Index blockIdx, threadIdx, blockDim;

static inline int __float2int_rn(float value) { return (int)std::nearbyint(value); }

#if HALF
typedef _Float16 ELEMENT;
#else
typedef float ELEMENT;
#endif
static inline float read(ELEMENT e) { return (float)e; }
static inline ELEMENT written(float f) { return (ELEMENT)f; }
