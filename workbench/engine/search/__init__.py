"""Searching over recipes: which layers lose most, and what to do about it.

Imports everything else of the engine; only the session imports it.
"""
