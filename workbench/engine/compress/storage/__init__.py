"""How compressed weights lie in the file: bits, tables, and the nodes that unpack them."""
