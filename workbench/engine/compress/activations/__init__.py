"""What samples tell of activations, and the ranges chosen from it."""
