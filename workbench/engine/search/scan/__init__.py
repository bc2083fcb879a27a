"""Sensitivity: each layer with each setting, one at a time."""
