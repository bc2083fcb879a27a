"""Codes and biases that are learned from samples instead of rounded to nearest."""
