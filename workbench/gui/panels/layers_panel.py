"""All layers with their settings: filter, table, and the card of what is selected."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt, Slot
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QWidget

from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import FLOAT, ActivationRule, Recipe, WeightRule
from workbench.engine.core.reports import LayerPreview
from workbench.gui.panels import layer_edits
from workbench.gui.panels.bits_menu import ACTIVATION_BITS, WEIGHT_BITS, make_bits_menu
from workbench.gui.panels.gesture import Gesture
from workbench.gui.panels.layer_card import LayerCard
from workbench.gui.panels.layer_state import LayerStates
from workbench.gui.panels.layers_model import (
    LAYER_ROLE,
    Column,
    LayersFilter,
    LayersModel,
    activation_text,
    bits_text,
)
from workbench.gui.panels.layers_table import LayersTable
from workbench.gui.panels.noise_table import NoiseTable
from workbench.gui.panels.plan_page import plan_texts
from workbench.gui.recipe_change import is_pruning_alone
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
        self._gesture = Gesture()
        self._selecting = False
        self._noise = NoiseTable()
        self._selected: tuple[ModelInfo | None, tuple[str, ...], tuple[Layer, ...]] | None = None
        self.states = LayerStates()
        self.model = LayersModel(self.states.of, self)
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
        self._lay_out()
        self._connect()
        self._dress()
        self._on_model_changed()

    @property
    def selected_layers(self) -> tuple[Layer, ...]:
        """The selected layers, in the order of the selection."""
        model, selection = self._document.model, self._document.selection
        # Each move of a drag asks twice, and the selection may be a thousand layers.
        if self._selected is None or self._selected[0] is not model or self._selected[1] is not selection:
            by_name = {layer.name: layer for layer in model.layers} if model is not None else {}
            layers = tuple(by_name[name] for name in selection if name in by_name)
            self._selected = model, selection, layers
        return self._selected[2]

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
        self._theme.changed.connect(self._dress)
        self.filter.textChanged.connect(self._on_filter)
        self.op_types.currentIndexChanged.connect(self._on_filter)
        table.selectionModel().selectionChanged.connect(self._on_table_selection)
        table.horizontalHeader().sortIndicatorChanged.connect(self._on_sorted)
        table.prune_pressed.connect(self._on_pressed)
        table.prune_moved.connect(self.set_sparsity)
        table.prune_released.connect(self._on_released)
        table.prune_stepped.connect(self._on_prune_stepped)
        table.bits_wished.connect(self.set_bits)
        table.bits_menu_wished.connect(self._show_bits_menu)
        table.activations_menu_wished.connect(self._show_activations_menu)
        table.context_menu_wished.connect(self._show_context_menu)
        card.pruning_wished.connect(self._on_pruning_wished)
        card.amount_pressed.connect(self._on_pressed)
        card.amount_moved.connect(self._on_amount)
        card.amount_released.connect(self._on_released)
        card.scope_wished.connect(self._on_scope)
        card.weights_wished.connect(self._on_weights)
        card.activations_wished.connect(self._on_activations)
        card.reset_wished.connect(self.reset_layers)
        card.similar_wished.connect(self.apply_to_similar)

    @Slot(float)
    def set_sparsity(self, sparsity: float) -> None:
        """Prune the selected layers to a sparsity of 0…1."""
        self._edit("Sparsity", layer_edits.with_sparsity, sparsity)

    @Slot(object)
    def set_bits(self, bits: int | None) -> None:
        """Give the selected layers a bit width; None for float."""
        self._edit("Bits", layer_edits.with_weights, WeightRule(bits=FLOAT if bits is None else bits), own_step=True)

    @Slot(object)
    def set_activation_bits(self, bits: int | None) -> None:
        """Give what goes in and out of the selected layers a bit width; None for float."""
        self._on_activations(ActivationRule(bits=FLOAT if bits is None else bits))

    @Slot()
    def reset_layers(self) -> None:
        """Ask nothing of the selected layers any more."""
        self._edit("Reset", layer_edits.with_reset, own_step=True)

    @Slot()
    def apply_to_similar(self) -> None:
        """Give the selected layer's settings to every layer with the same operator and kernel."""
        layers, model = self.selected_layers, self._document.model
        if model is None or not layers:
            return
        targets = layer_edits.similar_layers(model, layers[0])
        recipe = layer_edits.with_same_as(self._document.recipe, model, layers[0], targets)
        self._document.edit(recipe, f"Settings of {layers[0].name} for {len(targets)} layers")

    @Slot()
    def focus_filter(self) -> None:
        """Put the cursor into the filter."""
        self.filter.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.filter.selectAll()

    def _edit(self, text: str, edit: object, *arguments: object, own_step: bool = False) -> None:
        layers, model = self.selected_layers, self._document.model
        if model is None or not layers:
            return
        recipe: Recipe = edit(self._document.recipe, model, layers, *arguments)  # type: ignore[operator] # one of layer_edits
        if recipe == self._document.recipe:
            return
        subject = layers[0].name if len(layers) == 1 else f"{len(layers)} layers"
        gesture = None if own_step else self._gesture.token((text, subject))
        self._document.edit(recipe, f"{text} of {subject}", gesture=gesture)

    @Slot()
    def _on_pressed(self) -> None:
        self._gesture.begin()
        self._document.pressed()

    @Slot()
    def _on_released(self) -> None:
        self._gesture.end()
        self._document.released()

    @Slot(float)
    def _on_prune_stepped(self, step: float) -> None:
        self.set_sparsity(max(0.0, min(1.0, self.table.current_sparsity() + step)))

    @Slot(object)
    def _on_pruning_wished(self, on: object) -> None:
        if on:
            self._edit("Pruning", layer_edits.with_sparsity, 0.5, own_step=True)
        else:
            self._edit("No pruning", layer_edits.without_pruning, own_step=True)

    @Slot(str, float)
    def _on_amount(self, unit: str, value: float) -> None:
        if unit == "threshold":
            self._edit("Threshold", layer_edits.with_threshold, value)
        else:
            self.set_sparsity(value)

    @Slot(str)
    def _on_scope(self, scope: str) -> None:
        self._edit("Scope", layer_edits.with_scope, scope, own_step=True)

    @Slot(object)
    def _on_weights(self, weights: WeightRule) -> None:
        self._edit("Quantization", layer_edits.with_weights, weights, own_step=True)

    @Slot(object)
    def _on_activations(self, activations: ActivationRule) -> None:
        self._edit("Activations", layer_edits.with_activations, activations, own_step=True)

    @Slot(QPoint)
    def _show_activations_menu(self, at: QPoint) -> None:
        self.make_activations_menu().popup(at)

    @Slot(QPoint)
    def _show_bits_menu(self, at: QPoint) -> None:
        self.make_bits_menu().popup(at)

    def make_bits_menu(self) -> QMenu:
        """The choice of bit widths, the one that holds checked."""
        held = {self.states.of(layer).bits for layer in self.selected_layers}
        return make_bits_menu(self, WEIGHT_BITS, bits_text, held=held, on_chosen=self._on_bits_action)

    def make_activations_menu(self) -> QMenu:
        """The choice of bit widths of activations, the one that holds checked."""
        held = {self.states.of(layer).activation_bits for layer in self.selected_layers}
        chosen = self._on_activation_bits_action
        return make_bits_menu(self, ACTIVATION_BITS, activation_text, held=held, on_chosen=chosen)

    @Slot(QAction)
    def _on_bits_action(self, action: QAction) -> None:
        self.set_bits(action.data())

    @Slot(QAction)
    def _on_activation_bits_action(self, action: QAction) -> None:
        self.set_activation_bits(action.data())

    @Slot(QPoint)
    def _show_context_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        bits = self.make_bits_menu()
        bits.setTitle("Bits of weights")
        menu.addMenu(bits)
        activations = self.make_activations_menu()
        activations.setTitle("Bits of activations")
        menu.addMenu(activations)
        menu.addAction("Reset layer", self.reset_layers).setEnabled(self.card.reset.isEnabled())
        menu.addAction("Apply to similar layers", self.apply_to_similar).setEnabled(self.card.similar.isEnabled())
        menu.addAction("Select all", self.table.selectAll)
        menu.popup(at)

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
        new_rules = self._document.recipe.rules
        last = Column.PRUNE if is_pruning_alone(self.states.recipe.rules, new_rules) else Column.ACTIVATIONS
        self.model.refresh(self.states.reset(self._document.model, self._document.recipe), last)
        self._show_noise()
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
        layers = self.selected_layers
        settings = tuple(self.states.settings_of(layer) for layer in layers)
        prunable = next((layer for layer in layers if layer.prunable), None)
        amount = self.states.of(prunable) if prunable is not None else None
        self.card.show_layers(layers, settings, amount, self.model.rowCount())
        self._show_plan()

    @Slot()
    def _show_plan(self) -> None:
        plans = self._document.plans
        texts = plan_texts(self.selected_layers, plans.plan, plans.refusal)
        self.card.show_plan(texts, is_current=plans.is_current)

    @Slot()
    def _dress(self) -> None:
        tokens = self._theme.tokens
        self._search.setIcon(make_icon("search", tokens.muted, tokens.muted))
