"""Networks: catalogue, inspection of ONNX files, conversion between precisions, embedded weights."""
