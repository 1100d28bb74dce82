"""Conversion of PyTorch checkpoints (.pth, .pt, .ckpt, .safetensors) to ONNX, with the extra `torch`."""
