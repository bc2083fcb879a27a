"""Which tensors are quantized, and the nodes around them that runtimes fuse."""
