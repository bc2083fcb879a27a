"""What a wish does to the selected layers: one edit of the recipe, one step of undo."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import FLOAT, ActivationRule, Recipe, WeightRule
from workbench.gui.channels_now import group_text, groups_of
from workbench.gui.panels import layer_edits
from workbench.gui.panels.channel_edits import ChannelWish, with_channels, without_channels
from workbench.gui.panels.gesture import Gesture

if TYPE_CHECKING:  # a test hands in a bench without an engine
    from workbench.gui.document import Document


class SelectedLayers(QObject):
    """The layers that are selected, and the edits of all of them at once."""

    def __init__(self, document: "Document", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._document = document
        self._gesture = Gesture()
        self._found: tuple[ModelInfo | None, tuple[str, ...], tuple[Layer, ...]] | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The selected layers, in the order of the selection."""
        model, selection = self._document.model, self._document.selection
        # Each move of a drag asks twice, and the selection may be a thousand layers.
        if self._found is None or self._found[0] is not model or self._found[1] is not selection:
            by_name = {layer.name: layer for layer in model.layers} if model is not None else {}
            layers = tuple(by_name[name] for name in selection if name in by_name)
            self._found = model, selection, layers
        return self._found[2]

    @Slot()
    def press(self) -> None:
        """A slider is held: all of its moves are one step."""
        self._gesture.begin()
        self._document.pressed()

    @Slot()
    def release(self) -> None:
        """The slider is let go."""
        self._gesture.end()
        self._document.released()

    @Slot(float)
    def set_sparsity(self, sparsity: float) -> None:
        """Prune them to a sparsity of 0…1."""
        self._edit("Sparsity", layer_edits.with_sparsity, sparsity)

    @Slot(str, float)
    def set_amount(self, unit: str, value: float) -> None:
        """Prune them below a "threshold", or to a "sparsity"."""
        if unit == "threshold":
            self._edit("Threshold", layer_edits.with_threshold, value)
        else:
            self.set_sparsity(value)

    @Slot(object)
    def set_pruning(self, on: object) -> None:
        """Prune half of their weights, or none."""
        if on:
            self._edit("Pruning", layer_edits.with_sparsity, 0.5, own_step=True)
        else:
            self._edit("No pruning", layer_edits.without_pruning, own_step=True)

    @Slot(str)
    def set_scope(self, scope: str) -> None:
        """Give each its own threshold, or all of them one."""
        self._edit("Scope", layer_edits.with_scope, scope, own_step=True)

    @Slot(object)
    def set_weights(self, weights: WeightRule) -> None:
        """Set what is given of a rule for weights."""
        self._edit("Quantization", layer_edits.with_weights, weights, own_step=True)

    @Slot(object)
    def set_activations(self, activations: ActivationRule) -> None:
        """Set what is given of a rule for activations."""
        self._edit("Activations", layer_edits.with_activations, activations, own_step=True)

    @Slot(object)
    def set_bits(self, bits: int | None) -> None:
        """Give their weights a bit width; None for float."""
        self._edit("Bits", layer_edits.with_weights, WeightRule(bits=FLOAT if bits is None else bits), own_step=True)

    @Slot(object)
    def set_activation_bits(self, bits: int | None) -> None:
        """Give what goes in and out of them a bit width; None for float."""
        self.set_activations(ActivationRule(bits=FLOAT if bits is None else bits))

    @Slot(object)
    def set_channels(self, wish: ChannelWish, layer: Layer | None = None) -> None:
        """Set what is given of a wish for channels, for all layers of the groups that they are in.

        Args:
            wish: what is to change.
            layer: of whose group alone; of those of all selected layers if not given.
        """
        document = self._document
        groups = groups_of(self.layers if layer is None else (layer,), document.channels.now)
        recipe = with_channels(document.recipe, document.channels.now, groups, wish)
        if recipe == document.recipe:
            return
        subject = group_text(groups[0]) if len(groups) == 1 else f"{len(groups)} groups"
        gesture = self._gesture.token(("Channels", subject)) if wish.ratio is not None else None
        document.edit(recipe, f"Channels of {subject}", gesture=gesture)

    @Slot()
    def reset(self) -> None:
        """Ask nothing of them any more, and no channels of the groups that they are in."""
        self._edit("Reset", self._with_reset, own_step=True)

    @Slot()
    def apply_to_similar(self) -> None:
        """Give the first one's settings to every layer with the same operator and kernel."""
        layers, model = self.layers, self._document.model
        if model is None or not layers:
            return
        targets = layer_edits.similar_layers(model, layers[0])
        recipe = layer_edits.with_same_as(self._document.recipe, model, layers[0], targets)
        self._document.edit(recipe, f"Settings of {layers[0].name} for {len(targets)} layers")

    def _with_reset(self, recipe: Recipe, model: ModelInfo, layers: Sequence[Layer]) -> Recipe:
        now = self._document.channels.now
        return layer_edits.with_reset(without_channels(recipe, model, now, groups_of(layers, now)), model, layers)

    def _edit(self, text: str, edit: Callable[..., Recipe], *arguments: object, own_step: bool = False) -> None:
        layers, model = self.layers, self._document.model
        if model is None or not layers:
            return
        recipe = edit(self._document.recipe, model, layers, *arguments)
        if recipe == self._document.recipe:
            return
        subject = layers[0].name if len(layers) == 1 else f"{len(layers)} layers"
        gesture = None if own_step else self._gesture.token((text, subject))
        self._document.edit(recipe, f"{text} of {subject}", gesture=gesture)
