// The instructions of convolution.cu in PTX: pairs of halves, copies to shared memory, and the products of a warp. The tests
// replace this file by tests/superres/gpu/fused/warp_shim.h, which does the same on a CPU.

typedef unsigned int word;    // two halves, or the bits of a float
typedef unsigned short half;  // through PTX: cuda_fp16.h would need CUDA's header package at run time

constexpr word ONE = 0x3c00;  // 1 in fp16

constexpr int SUMS = HALF_SUMS ? 2 : 4;  // registers of a 16x8 tile of sums

__device__ __forceinline__ word pack(float low, float high) {
    word pair;
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}
__device__ __forceinline__ float to_float(half value) {
    float result;
    asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(value));
    return result;
}
__device__ __forceinline__ float2 unpack(word pair) { return {to_float(half(pair)), to_float(half(pair >> 16))}; }
__device__ __forceinline__ word add_pairs(word a, word b) {
    word sum;
    asm("add.rn.f16x2 %0, %1, %2;" : "=r"(sum) : "r"(a), "r"(b));
    return sum;
}
__device__ __forceinline__ word multiply_pairs(word a, word b) {
    word product;
    asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(product) : "r"(a), "r"(b));
    return product;
}
__device__ __forceinline__ word larger_of_pairs(word a, word b) {
    word larger;
    asm("max.f16x2 %0, %1, %2;" : "=r"(larger) : "r"(a), "r"(b));
    return larger;
}
__device__ __forceinline__ word smaller_of_pairs(word a, word b) {
    word smaller;
    asm("min.f16x2 %0, %1, %2;" : "=r"(smaller) : "r"(a), "r"(b));
    return smaller;
}

// Copies from memory to an address in shared memory, or zeros if nothing `exists` there.
__device__ __forceinline__ void copy_async_16(word to, const void* from, bool exists) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(exists ? 16 : 0));
}
__device__ __forceinline__ void copy_async_8(word to, const void* from, bool exists) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(to), "l"(from), "r"(exists ? 8 : 0));
}
__device__ __forceinline__ void commit_copies() { asm volatile("cp.async.commit_group;"); }
__device__ __forceinline__ void wait_for_copies() {
    asm volatile("cp.async.wait_all;");
#if WARPGROUP
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}
__device__ __forceinline__ void wait_for_previous_kernel() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
__device__ __forceinline__ word load_shared(word at) {
    word value;
    asm volatile("ld.shared.b32 %0, [%1];" : "=r"(value) : "r"(at));
    return value;
}

// Load 16 pixels by 16 (K8: 8) channels as the A operand of mma.
template <bool K8> __device__ __forceinline__ void load_pixels(word (&a)[4], word at) {
    if (K8)
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];" : "=r"(a[0]), "=r"(a[1]) : "r"(at));
    else
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                     : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3])
                     : "r"(at));
}

// sums = a b + before, for 16 pixels, 8 output channels and 16 (K8: 8) inputs.
template <bool K8>
__device__ __forceinline__ void multiply(word (&sums)[SUMS], const word (&a)[4], const word (&b)[2],
                                         const word (&before)[SUMS]) {
#if HALF_SUMS
    if (K8)
        asm("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%0,%1},{%2,%3},{%4},{%5,%6};"
            : "=r"(sums[0]), "=r"(sums[1])
            : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(before[0]), "r"(before[1]));
    else
        asm("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1},{%2,%3,%4,%5},{%6,%7},{%8,%9};"
            : "=r"(sums[0]), "=r"(sums[1])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(before[0]), "r"(before[1]));
#else
    if (K8)
        asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5},{%6},{%7,%8,%9,%10};"
            : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
            : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(before[0]), "r"(before[1]), "r"(before[2]), "r"(before[3]));
    else
        asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3},{%4,%5,%6,%7},{%8,%9},{%10,%11,%12,%13};"
            : "=r"(sums[0]), "=r"(sums[1]), "=r"(sums[2]), "=r"(sums[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(before[0]), "r"(before[1]),
              "r"(before[2]), "r"(before[3]));
#endif
}

