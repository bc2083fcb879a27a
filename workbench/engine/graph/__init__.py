"""ONNX in and out: load, check, shapes, layers, multiply-adds, opset, save.

May import core and onnx.
"""
