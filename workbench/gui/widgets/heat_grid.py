"""Where the cells of a heat map lie: sections of rows with room for a title over each, columns that scroll."""

from collections.abc import Sequence
from dataclasses import dataclass

CAPTION_PIXELS = 19
# A column of this width is still told from its neighbours, and hit by a pointer; narrower ones scroll.
LEAST_FITTED = 9.0
LEAST_COLUMN, MOST_COLUMN = 3.0, 96.0
_MOST_FITTED = 64.0
_LEAST_ROW, _MOST_ROW = 15.0, 80.0


@dataclass(frozen=True, slots=True)
class HeatGrid:
    """Geometry only, in pixels of the viewport.

    Args:
        sections: numbers of rows of each section.
        num_columns: how many columns there are.
        left, top: the corner of what does not scroll away: heads of rows stand left of it.
        width, height: of the room for cells, captions included.
        column: width of a column.
        row: height of a row.
        scrolled_x, scrolled_y: by how much the cells are moved to the left, and up.
    """

    sections: tuple[int, ...]
    num_columns: int
    left: float
    top: float
    width: float
    height: float
    column: float
    row: float
    scrolled_x: float = 0.0
    scrolled_y: float = 0.0

    @property
    def num_rows(self) -> int:
        """Rows of all sections."""
        return sum(self.sections)

    @property
    def content_width(self) -> float:
        """Of all columns."""
        return self.num_columns * self.column

    @property
    def content_height(self) -> float:
        """Of all rows and captions."""
        return len(self.sections) * CAPTION_PIXELS + self.num_rows * self.row

    def x_of(self, column: float) -> float:
        """The left edge of a column."""
        return self.left - self.scrolled_x + column * self.column

    def y_of(self, row: float) -> float:
        """The top edge of a row; between two rows of a section what lies between them."""
        return self.top - self.scrolled_y + (self._section_of(round(row)) + 1) * CAPTION_PIXELS + row * self.row

    def caption_y(self, section: int) -> float:
        """The top edge of a section's title."""
        rows = sum(self.sections[:section])
        return self.top - self.scrolled_y + section * CAPTION_PIXELS + rows * self.row

    def cell_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Column and row of the cell at a point; None beside the cells."""
        column = self.column_at(x)
        if column is None or not self.top <= y < self.top + self.height:
            return None
        first = 0
        for section, number in enumerate(self.sections):
            begin = self.caption_y(section) + CAPTION_PIXELS
            if begin <= y < begin + number * self.row:
                return column, min(first + number - 1, first + int((y - begin) / self.row))
            first += number
        return None

    def column_at(self, x: float) -> int | None:
        """The column at a point, above, among or below the cells; None beside them."""
        if not self.left <= x < self.left + self.width or not self.num_columns:
            return None
        column = int((x - self.left + self.scrolled_x) / self.column)
        return column if column < self.num_columns else None

    @property
    def columns_in_sight(self) -> tuple[int, int]:
        """First and one past the last column that is seen, in part or whole."""
        if not self.num_columns:
            return 0, 0
        first = int(self.scrolled_x / self.column)
        last = int((self.scrolled_x + self.width) / self.column) + 1
        return max(0, first), min(self.num_columns, last)

    def _section_of(self, row: int) -> int:
        for section, number in enumerate(self.sections):
            if row < number:
                return section
            row -= number
        return max(0, len(self.sections) - 1)


def fitted_column(num_columns: int, width: float) -> float:
    """The width at which all columns are seen at once, as long as they can be told apart."""
    return min(_MOST_FITTED, max(LEAST_FITTED, width / max(1, num_columns)))


def fitted_row(sections: Sequence[int], height: float) -> float:
    """The height at which all rows are seen at once, as long as their heads can be read."""
    room = height - len(sections) * CAPTION_PIXELS
    return min(_MOST_ROW, max(_LEAST_ROW, room / max(1, sum(sections))))
