"""The model compression workbench: make a trained network small and fast enough for a phone."""

__version__ = "0.1.0"
