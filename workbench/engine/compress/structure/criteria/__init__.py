"""One criterion of channel importance a file; `known_criteria` lists them."""
