"""A model open for running by another processor's rules, which gathers how often its layers saturate."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import onnx

from workbench.engine.core.cpu_rules import CpuRules, LayerSaturation
from workbench.engine.runtime.emulated_graph import SHARE_PREFIX, emulated_graph
from workbench.engine.runtime.fused_graph import fused_graph
from workbench.engine.runtime.session import Feeds, RuntimeSession
from workbench.jobs import JobContext


class EmulatedSession(RuntimeSession):
    """A quantized model by the rules of another processor.

    Args:
        model: complete, quantized or not; may be changed.
        rules: not those of this computer.
        layers: names of layers, by the tensors that their nodes give in `model`.

    Raises:
        ModelError: the model's opset is too old and cannot be raised.
        RunError: onnxruntime does not open the model.
    """

    def __init__(self, model: onnx.ModelProto, rules: CpuRules, layers: Mapping[str, str] | None = None) -> None:
        graph = emulated_graph(fused_graph(model), rules)
        super().__init__(graph.proto.SerializeToString())
        names = layers or {}
        self.rules = rules
        self.is_quantized = graph.num_integer > 0
        self._layers = [
            (names.get(layer.node) or names.get(layer.output, layer.node), layer.num_pairs) for layer in graph.layers
        ]
        self._places = [place for place, info in enumerate(self.outputs) if info.name.startswith(SHARE_PREFIX)]
        self._shares = np.zeros(len(self._places))
        self._num_runs = 0.0
        self.left_out = tuple(f"{names.get(node, node)}: {why}" for node, why in graph.left_out)

    @property
    def num_layers(self) -> int:
        """How many layers may saturate; without one, every processor computes the same."""
        return len(self._layers)

    @property
    def saturations(self) -> tuple[LayerSaturation, ...]:
        """What was seen so far, the most saturated layers first; empty where nothing saturates by the rules."""
        if not self._places or not self._num_runs:
            return ()
        shares = self._shares / self._num_runs
        found = [LayerSaturation(*layer, float(share)) for layer, share in zip(self._layers, shares, strict=True)]
        return tuple(sorted(found, key=lambda layer: -layer.share))

    def run_samples(self, feeds: Feeds, count: int, ctx: JobContext | None = None) -> list[npt.NDArray[np.generic]]:
        """The model's own outputs; as in `RuntimeSession`. Shares are weighted by the number of samples."""
        outputs = super().run_samples(feeds, count, ctx)
        # Of a fixed batch size there is one share a batch.
        self._shares += [count * float(np.asarray(outputs[place], np.float64).mean()) for place in self._places]
        self._num_runs += count
        return outputs[: len(outputs) - len(self._places)]
