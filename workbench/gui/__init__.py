"""The window: plain values only. Imports the worker's client side and the core, no engine, no onnx."""
