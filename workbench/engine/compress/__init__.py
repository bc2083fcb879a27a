"""Compressing: `plan` resolves a recipe, `compressor` performs it; the rooms below hold one method a file.

May import runtime, data, graph and core.
"""
