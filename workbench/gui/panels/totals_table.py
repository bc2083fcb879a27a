"""Totals of the model, original and now: parameters, MACs, bits, zeros."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from workbench.engine.core.format import format_count, format_fraction
from workbench.engine.core.layer import ModelInfo
from workbench.gui.panels.sizes import SizesNow
from workbench.gui.widgets.card import Card, make_label

_ROWS = ("Parameters", "Not zero", "MACs", "Mean bits", "Global sparsity")
# Of weights that cannot be read, such as those of a model that is quantized already, none of this is known.
_OF_WEIGHTS = ("Not zero", "Mean bits", "Global sparsity")
_UNKNOWN = ("–", "–")
_FIGURE_PIXELS = 60


class TotalsTable(Card):
    """Two columns of texts, "original" and "now"."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(inner=True, parent=parent)
        self._cells: dict[tuple[str, str], QLabel] = {}
        grid = QGridLayout()
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(0, 1)
        for place, title in enumerate(("Original", "Now"), start=1):
            grid.addWidget(make_label(title, "muted", self), 0, place, Qt.AlignmentFlag.AlignRight)
        for row, name in enumerate(_ROWS, start=1):
            grid.addWidget(make_label(name, "", self), row, 0)
            for place, (column, kind) in enumerate((("original", "muted"), ("now", "strong")), start=1):
                label = make_label("–", kind, self)
                label.setMinimumWidth(_FIGURE_PIXELS)
                label.setAlignment(Qt.AlignmentFlag.AlignRight)
                self._cells[name, column] = label
                grid.addWidget(label, row, place)
        self.column.addLayout(grid)

    def cell(self, name: str, column: str) -> str:
        """Text of a row; the column is "original" or "now"."""
        return self._cells[name, column].text()

    def show_totals(self, model: ModelInfo | None, sizes: SizesNow | None) -> None:
        """Show a model's totals; without one, dashes."""
        texts = totals(model, sizes) if model is not None and sizes is not None else dict.fromkeys(_ROWS, _UNKNOWN)
        for name, (before, after) in texts.items():
            self._cells[name, "original"].setText(before)
            self._cells[name, "now"].setText(after)


def totals(model: ModelInfo, sizes: SizesNow) -> dict[str, tuple[str, str]]:
    """What each row says of the original and of the recipe."""
    known = {
        "Parameters": (format_count(model.num_params), format_count(sizes.num_params)),
        "Not zero": (
            format_count(model.num_params - sizes.zeros_before),
            format_count(sizes.num_params - sizes.zeros),
        ),
        # Zeros inside a tensor are still multiplied: of pruning, only channels that go take MACs away.
        "MACs": (_macs(model.macs), _macs(sizes.macs)),
        "Mean bits": ("32.0", f"{sizes.mean_bits:.1f}"),
        "Global sparsity": (format_fraction(sizes.sparsity_before), format_fraction(sizes.sparsity)),
    }
    return known if sizes.num_weights else known | dict.fromkeys(_OF_WEIGHTS, _UNKNOWN)


def _macs(macs: int | None) -> str:
    return format_count(macs) if macs is not None else "unknown"
