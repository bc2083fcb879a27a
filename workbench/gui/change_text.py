"""How a relative change is written."""


def format_change(change: float) -> str:
    """A relative change with a sign.

    >>> format_change(-0.724)
    '−72 %'
    """
    sign = "−" if change < 0 else "+" if change > 0 else "±"
    return f"{sign}{abs(100 * change):.{0 if abs(change) >= 0.1 else 1}f} %"
