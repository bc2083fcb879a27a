"""Samples to calibrate and evaluate on: folders, archives, arrays; preprocessing; seeded subsets.

May import core.
"""
