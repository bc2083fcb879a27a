"""One weight tensor: its range, its scales, its codes."""
