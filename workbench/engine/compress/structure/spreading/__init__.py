"""One target spread over many groups of channels, one way a file."""
