"""Models for other runtimes: files for ONNX Runtime and OpenVINO, their comparison with torch, and who may answer."""
