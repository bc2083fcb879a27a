"""Compressing weights: one method a file; `plan` resolves, `apply` performs, `packing` writes bits.

May import runtime, data, graph and core.
"""
