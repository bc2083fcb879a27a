"""Pruning of whole channels: how much each matters, which go, and the proof."""
