// An element of the network's tensors, read and written as float. Included before the other files of kernels.
//
//   HALF           1 if the tensors are fp16, 0 if they are fp32
//   INTERLEAVED    1 if the network's input is (HEIGHT, WIDTH, 4), as the fused convolutions read it, with 0 for planes
//                  that it does not have; if undefined, it is (planes, HEIGHT, WIDTH)

// With PTX, because cuda_fp16.h requires CUDA's header package at run time.
typedef unsigned short Half;
__device__ __forceinline__ float read(Half e) { float f; asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(e)); return f; }
__device__ __forceinline__ float read(float e) { return e; }

#if HALF
typedef Half ELEMENT;
__device__ __forceinline__ ELEMENT written(float f) { ELEMENT e; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(e) : "f"(f)); return e; }
#else
typedef float ELEMENT;
__device__ __forceinline__ ELEMENT written(float f) { return f; }
#endif

#ifndef INTERLEAVED
#define INTERLEAVED 0
#endif
struct alignas(4 * sizeof(ELEMENT)) Interleaved { ELEMENT at[4]; };  // a pixel of such an input
