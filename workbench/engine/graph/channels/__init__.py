"""Which channels of a graph belong together, and the graph without some of them."""
