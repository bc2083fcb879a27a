"""All layers with their settings: filter, table, and the card of what is selected."""

import operator
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt, Slot
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from workbench.engine.core.channel_importance import CriterionInfo
from workbench.engine.core.footprint import BLOCKS_OPSET
from workbench.engine.core.layer import Layer
from workbench.engine.core.reports import LayerPreview
from workbench.gui.channels_now import ChannelsNow, Kept, LayerChannels
from workbench.gui.panels.channel_view import channel_view
from workbench.gui.panels.layer_card import LayerCard
from workbench.gui.panels.layer_menus import LayerMenus
from workbench.gui.panels.layer_now import setting_now
from workbench.gui.panels.layer_state import LayerStates
from workbench.gui.panels.layers_asked import LayersAsked
from workbench.gui.panels.layers_model import LAYER_ROLE, Column, LayersFilter, LayersModel
from workbench.gui.panels.layers_table import LayersTable
from workbench.gui.panels.noise_table import NoiseTable
from workbench.gui.panels.plan_page import KnownPlanTexts
from workbench.gui.panels.selected_layers import SelectedLayers
from workbench.gui.panels.sensitivity_chips import SensitivityChips
from workbench.gui.recipe_change import is_channels_alone, is_pruning_alone
from workbench.gui.setting_now import SettingNow
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import Card
from workbench.gui.widgets.combo import Combo
from workbench.gui.widgets.icons import make_icon

if TYPE_CHECKING:  # a test hands in a double: the panel needs no more than its face
    from workbench.gui.document import Document


class LayersPanel(Card):
    """The left column of the window."""

    def __init__(self, document: "Document", theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__("Layers", parent=parent)
        self._document = document
        self._theme = theme
        self._selecting = False
        self._noise = NoiseTable()
        # What the table shows of channels: most moves of a drag change none.
        self._kept: Kept = {}
        # What the form of channels shows: a thousand selected layers are not looked at while none is another.
        self._shown_channels: tuple[tuple[Layer, ...], ChannelsNow, Mapping[str, CriterionInfo], str] | None = None
        self._plan_texts = KnownPlanTexts()
        self.edits = SelectedLayers(document, self)
        self.states = LayerStates()
        self.asked = LayersAsked(document, self.states)
        self.model = LayersModel(self.states.of, self._channels_of, self._now_of, self)
        self.rows = LayersFilter(self)
        self.rows.setSourceModel(self.model)
        self.filter = QLineEdit(self, placeholderText="Filter layers", clearButtonEnabled=True)
        self.filter.setObjectName("filter")
        self.filter.setAccessibleName("Filter layers")
        self._search = self.filter.addAction(QIcon(), QLineEdit.ActionPosition.LeadingPosition)
        self.op_types = Combo(theme, self)
        self.op_types.setAccessibleName("Operator type")
        self.table = LayersTable(theme, self)
        self.table.setModel(self.rows)
        self.table.setSortingEnabled(True)
        self.table.horizontalHeader().setSortIndicatorClearable(True)
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.rows.sort(-1)
        self.table.fit_columns()
        self.card = LayerCard(theme, self)
        self.menus = LayerMenus(self.edits, self.states, self.card, self)
        self._lay_out()
        self._connect()
        self._dress()
        self._on_model_changed()

    def _lay_out(self) -> None:
        self.column.setContentsMargins(0, 10, 0, 10)
        first = self.column.itemAt(0)
        header = first.layout() if first is not None else None
        if header is not None:
            header.setContentsMargins(12, 0, 12, 0)
        line = QHBoxLayout()
        line.setContentsMargins(12, 0, 12, 0)
        line.addWidget(self.filter, 1)
        line.addWidget(self.op_types)
        self.column.addLayout(line)
        self.column.addWidget(self.table, 1)
        below = QHBoxLayout()
        below.setContentsMargins(10, 0, 10, 0)
        below.addWidget(self.card)
        self.column.addLayout(below)

    def _connect(self) -> None:
        document, table, card = self._document, self.table, self.card
        document.model_changed.connect(self._on_model_changed)
        document.recipe_changed.connect(self._on_recipe_changed)
        document.selection_changed.connect(self._on_document_selection)
        document.plans.changed.connect(self._show_plan)
        document.figures.sqnr_changed.connect(self._show_noise)
        document.looks.previewed.connect(self._on_previewed)
        document.channels.changed.connect(self._on_channels)
        document.scans.changed.connect(self._show_sensitivity)
        self._theme.changed.connect(self._dress)
        self.filter.textChanged.connect(self._on_filter)
        self.op_types.currentIndexChanged.connect(self._on_filter)
        table.selectionModel().selectionChanged.connect(self._on_table_selection)
        table.horizontalHeader().sortIndicatorChanged.connect(self._on_sorted)
        edits, menus = self.edits, self.menus
        table.prune_pressed.connect(edits.press)
        table.prune_moved.connect(edits.set_sparsity)
        table.prune_released.connect(edits.release)
        table.prune_stepped.connect(self._on_prune_stepped)
        table.bits_wished.connect(edits.set_bits)
        table.bits_menu_wished.connect(menus.show_bits)
        table.activations_menu_wished.connect(menus.show_activation_bits)
        table.context_menu_wished.connect(menus.show_all)
        menus.select_all_wished.connect(table.selectAll)
        card.pruning_wished.connect(edits.set_pruning)
        card.amount_pressed.connect(edits.press)
        card.amount_moved.connect(edits.set_amount)
        card.amount_released.connect(edits.release)
        card.scope_wished.connect(edits.set_scope)
        card.weights_wished.connect(edits.set_weights)
        card.activations_wished.connect(edits.set_activations)
        card.channels.pressed.connect(edits.press)
        card.channels.wished.connect(edits.set_channels)
        card.channels.released.connect(edits.release)
        card.reset_wished.connect(edits.reset)
        card.similar_wished.connect(edits.apply_to_similar)

    @Slot()
    def focus_filter(self) -> None:
        """Put the cursor into the filter."""
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    @Slot(float)
    def _on_prune_stepped(self, step: float) -> None:
        self.edits.set_sparsity(max(0.0, min(1.0, self.table.current_sparsity() + step)))

    @Slot()
    def _on_model_changed(self) -> None:
        model = self._document.model
        self.states.reset(model, self._document.recipe)
        self.model.set_model(model)
        self._show_noise()
        self.op_types.blockSignals(True)
        self.op_types.clear()
        self.op_types.addItem("All types", "")
        for op_type in sorted({layer.op_type for layer in model.layers} if model else ()):
            self.op_types.addItem(op_type, op_type)
        self.op_types.blockSignals(False)
        self._on_filter()
        self._on_document_selection()

    @Slot(object, object)
    def _on_recipe_changed(self, old: object, new: object) -> None:
        old_rules, new_rules = self.states.recipe.rules, self._document.recipe.rules
        last = Column.PRUNE if is_pruning_alone(old_rules, new_rules) else Column.ACTIVATIONS
        first = Column.PRUNE if is_channels_alone(old_rules, new_rules) else Column.WEIGHTS
        footprint = self._document.footprint
        largest = footprint.largest_opset if footprint is not None else BLOCKS_OPSET
        touched, kept = self.states.reset(self._document.model, self._document.recipe, largest), self._kept
        self._kept = self._document.channels.now.kept
        if first != last or self._kept is not kept:
            self.model.refresh(touched, last, first)
        if self.model.has_sensitivity:
            self.model.set_sensitivity(self._chips(), touched)
        self._show_noise()
        self._show_card()

    def _channels_of(self, layer: str) -> LayerChannels | None:
        """How many channels stay, of a layer that loses some."""
        now = self._document.channels.now
        return now.of_layer(layer) if now.is_cut(layer) else None

    def _now_of(self, layer: Layer) -> SettingNow:
        return setting_now(layer, self.states, self._document.channels.now)

    @Slot()
    def _show_sensitivity(self) -> None:
        self.model.set_sensitivity(self._chips())

    def _chips(self) -> SensitivityChips:
        table = self._document.scans.table
        asked = self.asked.of(table.scan.layers, table.scan.groups) if table is not None else None
        return SensitivityChips(table, asked)

    @Slot()
    def _on_channels(self) -> None:
        """The engine has told the groups, or what is planned for them."""
        now = self._document.channels.now
        self._kept = now.kept
        members = [name for group in now.asked for name in now.groups[group].members]
        self.model.refresh(members, Column.PRUNE, Column.PRUNE)
        if self.model.has_sensitivity:
            self._show_sensitivity()
        self._show_card()

    @Slot()
    def _show_noise(self) -> None:
        noise = NoiseTable(
            self._document.figures.sqnr, self._document.recipe.digest if self._document.figures.sqnr else ""
        )
        if noise != self._noise:
            self._noise = noise
            self.model.set_noise(noise)

    @Slot(object)
    def _on_previewed(self, preview: LayerPreview) -> None:
        self.states.take_preview(preview)
        self.model.refresh((preview.layer,), Column.PRUNE)
        self._show_card()

    @Slot()
    def _on_filter(self) -> None:
        self.rows.set_filter(self.filter.text(), self.op_types.currentData() or "")
        shown, total = self.rows.rowCount(), self.model.rowCount()
        self._on_sorted()
        if shown != total:
            self.note.setText(f"{shown} of {total} shown")

    @Slot()
    def _on_sorted(self) -> None:
        column = self.table.horizontalHeader().sortIndicatorSection()
        known = 0 <= column < len(Column)
        title = self.model.headerData(column, Qt.Orientation.Horizontal) if known else "graph order"
        self.note.setText(f"sorted by {str(title).lower()}")

    @Slot(QItemSelection, QItemSelection)
    def _on_table_selection(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        if self._selecting:
            return
        rows = self.table.selectionModel().selectedRows()
        rows.sort(key=lambda index: index.row())
        self._selecting = True
        self._document.select(tuple(index.data(LAYER_ROLE).name for index in rows))
        self._selecting = False
        self._show_card()

    @Slot()
    def _on_document_selection(self) -> None:
        if self._selecting:
            return
        self._selecting = True
        selection, current = QItemSelection(), None
        for name in self._document.selection:
            row = self.model.row_of(name)
            index = self.rows.mapFromSource(self.model.index(row, 0)) if row is not None else None
            if index is not None and index.isValid():
                selection.select(index, index.siblingAtColumn(len(Column) - 1))
                current = current or index
        model = self.table.selectionModel()
        if current is not None:
            model.setCurrentIndex(current, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.table.scrollTo(current)
        model.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._selecting = False
        self._show_card()

    def _show_card(self) -> None:
        layers = self.edits.layers
        prunable = next((layer for layer in layers if layer.prunable), None)
        amount = self.states.of(prunable) if prunable is not None else None
        self.card.show_layers(layers, self.states.settings_among, amount, self.model.rowCount())
        self._show_channels()
        self._show_plan()

    def _show_channels(self) -> None:
        layers, channels = self.edits.layers, self._document.channels
        shown = layers, channels.now, channels.criteria, channels.refusal
        if self._shown_channels is not None and all(map(operator.is_, shown, self._shown_channels)):
            return
        self._shown_channels = shown
        self.card.channels.show_criteria(channels.criteria)
        view = channel_view(*shown)
        self.card.channels.show_view(view)
        self.model.set_group(view.groups[0] if len(view.groups) == 1 else None)

    @Slot()
    def _show_plan(self) -> None:
        plans = self._document.plans
        texts = self._plan_texts.of(self.edits.layers, plans.plan, plans.refusal)
        self.card.show_plan(texts, is_current=plans.is_current)

    @Slot()
    def _dress(self) -> None:
        tokens = self._theme.tokens
        self._search.setIcon(make_icon("search", tokens.muted, tokens.muted))
