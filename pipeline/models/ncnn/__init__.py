"""Conversion of networks of ncnn (.param and .bin) to ONNX."""
