"""Where a recipe does its damage: noise by layer, weights against activations, layers that should stay in float."""
