"""Networks that the fused kernels of pipeline/superres/gpu/fused/ can run, and their training."""
