"""How much a Winograd convolution multiplies."""

_TILES = (2, 4, 6)


def tile_area(rows: int, columns: int) -> int:
    """Numbers of the transformed map by the cheapest of F(2×2), F(4×4) and F(6×6) for a 3×3 kernel.

    The map is padded to whole tiles of m×m outputs, each of which takes (m + 2)² products per pair of channels.

    >>> tile_area(4, 4)
    36

    Source: Lavin and Gray 2015 (arXiv:1509.09308), section 4.
    """
    return min((size + 2) ** 2 * -(-rows // size) * -(-columns // size) for size in _TILES)
