"""The nouns that every other room speaks: recipe, layer, quantization parameters, measurement, errors.

May import numpy and the standard library only, so that the window's process can hold them.
"""
