"""Why the selected layers are as they are: what is asked, what will be done, and the reason where they differ."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from workbench.engine.core.layer import Layer
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.gui.panels.settings_in_common import in_common
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.form_rows import NAME_PIXELS

_NOTHING = "nothing; the layer stays as it is"
_DIFFERS = "differs between the selected layers"


@dataclass(frozen=True, slots=True)
class PlanTexts:
    """What the page says.

    Args:
        why: empty where everything is done as asked, and nothing has to be known of it.
        notes: what concerns the whole model.
        is_caution: whether all is done as asked, and `why` only warns of what that does.
    """

    asked: str = ""
    done: str = ""
    why: str = ""
    notes: str = ""
    is_caution: bool = False

    @property
    def link(self) -> str:
        """What the link to the page says; empty where there is nothing to explain."""
        if not self.why:
            return ""
        return "As asked, with a note" if self.is_caution else "Not as asked: why?"


def plan_texts(layers: Sequence[Layer], plan: Plan | None, refusal: str = "") -> PlanTexts:
    """The plan's entries of some layers in words.

    Args:
        layers: the selected ones.
        plan: of the engine; None while there is none.
        refusal: why there is none.
    """
    if plan is None or not layers:
        return PlanTexts(why=refusal)
    by_name = {entry.layer: entry for entry in plan.layers}
    entries = [by_name.get(layer.name, LayerPlan(layer.name, _NOTHING, _NOTHING)) for layer in layers]
    asked = in_common(entries, lambda entry: entry.asked)
    done = in_common(entries, lambda entry: entry.done)
    explained = [entry for entry in entries if entry.reason]
    is_caution = bool(explained) and all(entry.is_caution for entry in explained)
    return PlanTexts(asked or _DIFFERS, done or _DIFFERS, _reasons(entries), "\n".join(plan.notes), is_caution)


class KnownPlanTexts:
    """The texts of the last layers and plan: a drag asks with each move, and both stay while it lasts."""

    def __init__(self) -> None:
        self._asked: tuple[Sequence[Layer], Plan | None, str] | None = None
        self._texts = PlanTexts()

    def of(self, layers: Sequence[Layer], plan: Plan | None, refusal: str = "") -> PlanTexts:
        """As `plan_texts`. The very same layers and plan are not read again."""
        last = self._asked
        if last is None or last[0] is not layers or last[1] is not plan or last[2] != refusal:
            self._asked = layers, plan, refusal
            self._texts = plan_texts(layers, plan, refusal)
        return self._texts


def _reasons(entries: Sequence[LayerPlan]) -> str:
    """Each reason once; with how many layers it holds for, where it does not for all."""
    counts: dict[str, int] = {}
    for entry in entries:
        if entry.reason:
            counts[entry.reason] = counts.get(entry.reason, 0) + 1
    total = len(entries)
    return "\n".join(reason if count == total else f"{reason} ({count} of {total})" for reason, count in counts.items())


class PlanPage(QWidget):
    """Shows `PlanTexts`; fainter while they are of the recipe before the last edit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._texts: PlanTexts | None = None
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnMinimumWidth(0, NAME_PIXELS)
        grid.setColumnStretch(1, 1)
        self.asked, self.done, self.why, self.notes = (make_label(parent=self) for _ in range(4))
        rows = (("Asked", self.asked), ("Done", self.done), ("Because", self.why), ("Model", self.notes))
        for row, (name, label) in enumerate(rows):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setAccessibleName(name)
            title = make_label(name, "muted", self)
            if label is self.why:
                self._because = title
            grid.addWidget(title, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(label, row, 1)
        self.why.setObjectName("strong")
        self.notes.setObjectName("muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(grid)
        column.addStretch(1)

    def show_texts(self, texts: PlanTexts, *, is_current: bool) -> None:
        """Show what is planned."""
        self.setEnabled(is_current)
        # Texts that wrap lay out the whole column, and a drag asks again and again.
        if texts != self._texts:
            self._texts = texts
            self.asked.setText(texts.asked or "–")
            self.done.setText(texts.done or "–")
            self.why.setText(texts.why or "done as asked")
            self._because.setText("Note" if texts.is_caution else "Because")
            self.notes.setText(texts.notes or "–")
