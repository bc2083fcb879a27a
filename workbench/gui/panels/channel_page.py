"""Which channels of the selected layer go: the sorted importance of its group with a draggable cut, and a strip."""

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.channel_group import ChannelGroup
from workbench.engine.core.channel_importance import ALWAYS_STAYS, ChannelImportance, Mask
from workbench.engine.core.layer import Layer
from workbench.engine.core.recipe import Recipe
from workbench.gui.channels_now import LANES, Kept, LayerChannels, group_text, units_text, why_not_prunable
from workbench.gui.panels.channel_edits import ChannelWish
from workbench.gui.panels.channel_view import ODD_TIP
from workbench.gui.panels.layers_model import shape_text
from workbench.gui.panels.plot_page import PlotPage
from workbench.gui.panels.selected_layers import SelectedLayers
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import make_label
from workbench.gui.widgets.channel_strip import ChannelStrip
from workbench.gui.widgets.pill import Pill

if TYPE_CHECKING:  # a test hands in a bench without an engine
    from workbench.gui.document import Document
    from workbench.gui.plots.importance_plot import ImportancePlot

_FOLLOWING = "The channels are being followed through the model…"
_SCORING = "the channels are being scored…"


class ChannelPage(PlotPage):
    """Follows the first selected layer while it is looked at; a drag of the cut moves the group's ratio.

    Args:
        edits: of the selected layers.
    """

    def __init__(
        self, document: "Document", theme: Theme, edits: SelectedLayers, parent: QWidget | None = None
    ) -> None:
        super().__init__(document, theme, parent, is_log=False)
        self._edits = edits
        self._is_looked_at = False
        self._layer: Layer | None = None
        self._found: ChannelImportance | None = None
        # What the strip was drawn of: most moves of a drag change no channel.
        self._drawn: tuple[Kept, ChannelImportance] | None = None
        self.importance: ImportancePlot | None = None
        self.strip: ChannelStrip | None = None
        # Pills keep their room, and none is hidden: a label that changes would lay out the window with each move.
        self.stay = Pill(theme, "stay", parent=self, keeps_room=True)
        self.of_group = Pill(theme, "of the group", parent=self, keeps_room=True)
        self.criterion = Pill(theme, "by", parent=self)
        self.odd = Pill(theme, f"multiple of {LANES}", "muted", self, keeps_room=True)
        self.odd.setToolTip(f"A number of channels that is {ODD_TIP}")
        self.remark = make_label("", parent=self)
        self.remark.setObjectName("muted")
        self.remark.setWordWrap(True)
        self.remark.hide()
        self.lay_out(pills=(self.stay, self.of_group, self.criterion, self.odd), remarks=(self.remark,))
        self.scale.hide()
        document.model_changed.connect(self._on_selection)
        document.selection_changed.connect(self._on_selection)
        document.recipe_changed.connect(self._on_recipe)
        document.dataset_changed.connect(self._show)
        document.channels.changed.connect(self._show)
        document.importance.arrived.connect(self._on_arrived)
        document.importance.failed.connect(self._on_failed)

    @property
    def has_scores(self) -> bool:
        """Whether the scores of the shown layer's group have arrived."""
        return self._found is not None and self._found.scores.size > 0

    def look(self, *, is_looked_at: bool) -> None:
        """Whether the page is in front; behind, nothing is asked for it."""
        self._is_looked_at = is_looked_at
        self._on_selection()

    @Slot()
    def _on_selection(self) -> None:
        layer = self.selected_layer()
        if layer is not self._layer:
            self._layer, self._found, self._drawn = layer, None, None
        self._show()

    @Slot(object, object)
    def _on_recipe(self, old: Recipe, new: Recipe) -> None:
        self._show()

    @Slot()
    def _show(self) -> None:
        if not self._is_looked_at:
            return
        layer, now = self._layer, self._document.channels.now
        if layer is None:
            self.say("Select a layer to see its channels." if self._document.model is not None else "")
            return
        group = now.group_of(layer.name)
        reason = why_not_prunable(layer, now) or self._document.channels.refusal
        if group is None or not group.num_units:
            self.say(f"{layer.name}: {reason}" if reason else _FOLLOWING)
            return
        found = self._document.importance.find(layer.name, self._document.recipe)
        if found is None:
            self._wait_for_scores(layer)
        elif not found.scores.size:
            self._found = None
            self.say(f"{layer.name}: {found.reason}")
        else:
            self._show_scores(found)
            self._show_head(layer, group)
            self._show_cut(found, group)
            self.show_plots()

    def _wait_for_scores(self, layer: Layer) -> None:
        """Those of another criterion stay in sight meanwhile."""
        if self._found is None:
            self.say(f"{layer.name}: {_SCORING}")
        else:
            self._show_remark(_SCORING)

    def _show_head(self, layer: Layer, group: ChannelGroup) -> None:
        now = self._document.channels.now
        facts = f"{layer.op_type} · {shape_text(layer)} · {group_text(group)}"
        if (self.name.text(), self.facts.text()) != (layer.name, facts):
            self.name.setText(layer.name)
            self.facts.setText(facts)
            self.facts.setToolTip("\n".join(group.members))
        left = now.of_layer(layer.name) or LayerChannels(0, 0)
        self.stay.set_value(f"{left.left} of {left.whole}")
        asked = now.asked.get(group.name)
        self.criterion.set_value((asked.criterion if asked is not None else "l2").replace("_", " "))
        is_fit = left.left % LANES == 0
        sign = "⚠ " if left.falls_short else ""
        self.odd.set_tone("warn" if left.falls_short else "muted")
        self.odd.set_value("yes" if is_fit else f"{sign}no: {left.left}" if left.is_odd else "–")
        kept = sum(now.kept.get(group.name, group.class_sizes))
        self.of_group.set_value(f"{kept} of {group.num_units} {units_text(group)}")

    def _show_scores(self, found: ChannelImportance) -> None:
        self._show_remark(found.reason)
        if found is self._found:
            return
        self._found = found
        self._ensure_plots()
        assert self.importance is not None
        self.importance.show_importance(found)

    def _show_remark(self, text: str) -> None:
        if self.remark.text() != text:
            self.remark.setText(text)
            self.remark.setVisible(bool(text))

    def _show_cut(self, found: ChannelImportance, group: ChannelGroup) -> None:
        assert self.importance is not None
        assert self.strip is not None
        now = self._document.channels.now
        asked = now.asked.get(group.name)
        kept = self._kept(found, group)
        self.importance.show_cut(asked.prune.ratio or 0.0 if asked is not None else 0.0, kept)
        if self._drawn is not None and self._drawn[0] is now.kept and self._drawn[1] is found:
            return
        self._drawn = now.kept, found
        fixed = found.units == ALWAYS_STAYS
        scores = np.concatenate([found.scores, [np.nan]])[found.units]
        self.strip.show_channels(found.channels_kept(kept), fixed, scores)

    def _kept(self, found: ChannelImportance, group: ChannelGroup) -> Mask:
        if found.has_blocks:
            # Which ones go with blocks is the engine's to say.
            return found.kept
        return found.kept_at(self._document.channels.now.kept.get(group.name, group.class_sizes))

    def _ensure_plots(self) -> None:
        """Build the plots now: importing pyqtgraph takes as long as opening the rest of the window."""
        if self.importance is not None:
            return
        from workbench.gui.plots.importance_plot import ImportancePlot

        self.importance = ImportancePlot(self._theme, self)
        self.importance.cut_pressed.connect(self._edits.press)
        self.importance.cut_moved.connect(self._on_cut)
        self.importance.cut_released.connect(self._edits.release)
        self.strip = ChannelStrip(self._theme, self)
        self.plots.addWidget(self.importance, 1)
        self.plots.addWidget(make_label("Channels of this layer, in their order", "strong", self))
        self.plots.addWidget(self.strip)

    @Slot(float)
    def _on_cut(self, ratio: float) -> None:
        self._edits.set_channels(ChannelWish(ratio=ratio), self._layer)

    @Slot(object)
    def _on_arrived(self, found: ChannelImportance) -> None:
        if self._layer is not None and found.layer == self._layer.name:
            self._show()

    @Slot(str, str)
    def _on_failed(self, layer: str, text: str) -> None:
        if self._layer is not None and layer == self._layer.name and self._is_looked_at:
            self._found = None
            self.say(f"{layer}: {text}")
