"""Looking into one layer: what the recipe does to its weights, and the tables that its histogram is drawn from."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot

from workbench.engine.core.reports import LayerPreview
from workbench.engine.core.weight_curves import WeightCurves
from workbench.gui.bench import Bench
from workbench.gui.engine import Engine
from workbench.gui.lanes import LatestLane
from workbench.worker.messages import Failed


class LayerLooks(QObject):
    """`previewed(LayerPreview)` when the selected layer is known under the recipe of now; `failed(text, details)`."""

    previewed = Signal(object)
    failed = Signal(str, str)

    def __init__(self, engine: Engine, bench: Bench, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._bench = bench
        self._lane = LatestLane(engine, "quick", parent=self)
        bench.selection_changed.connect(self.look)

    @Slot()
    def look(self) -> None:
        """Look at the first of the selected layers."""
        model, selection = self._bench.model, self._bench.selection
        if model is None or not selection:
            return
        layer = next((layer for layer in model.layers if layer.name == selection[0]), None)
        if layer is not None and layer.editable:
            self._lane.submit("layer_preview", layer.name, self._bench.recipe, on_done=self._on_previewed)

    def request_curves(self, layer: str, answer: Callable[[str, WeightCurves], None]) -> None:
        """Ask for a layer's tables; `answer(layer, curves)` follows on the main thread."""

        def on_curves(curves: object) -> None:
            assert isinstance(curves, WeightCurves)
            answer(layer, curves)

        self._engine.request("quick", "curves", layer, on_done=on_curves, on_failed=self._on_failed)

    def _on_previewed(self, preview: object) -> None:
        if isinstance(preview, LayerPreview) and preview.recipe_digest == self._bench.recipe.digest:
            self.previewed.emit(preview)

    def _on_failed(self, failure: Failed) -> None:
        self.failed.emit(failure.text, failure.details)
