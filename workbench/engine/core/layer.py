"""What a model and its layers look like from outside: plain values that may cross a pipe."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class WeightStatistics:
    """Summary of one weight tensor, ignoring values that are not finite.

    Args:
        sparsity: fraction of exact zeros, 0…1.
        num_not_finite: how many values are NaN or infinite.
        bars: histogram for a sparkline, shape (48,), over [minimum, maximum].
        magnitudes: entry k counts the finite weights with |w| <= step k; the last entry is the number of
            finite weights. Gives the sparsity of any threshold to within a step.
        levels: the steps, rising, where they are all the magnitudes that there are: counts are exact then.
            None for even steps (k + 1) / size · max |w|.
    """

    minimum: float
    maximum: float
    mean: float
    std: float
    sparsity: float
    num_not_finite: int
    bars: npt.NDArray[np.int32]
    magnitudes: npt.NDArray[np.int64]
    levels: npt.NDArray[np.float32] | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A node that has weights; a recurrent node has two tensors of them, and is two layers.

    Args:
        name: unique in the model; what recipes select.
        op_type: "Conv", "Gemm", "MatMul", "ConvTranspose", "LSTM", "GRU", "RNN", or an operator that is listed only.
        weight_name: the tensor the node reads; stable when the model is written again.
        node_output: the node's first output tensor that has a name, which other tools use as the node's key.
        weight_shape: as the node sees it, after any Transpose; () if unknown.
        num_params: weights and bias together.
        macs: multiply-adds at batch 1; None if a shape is unknown.
        axis: the axis of the weight that keeps its own scale (output channels); None if listed only.
        prunable, quantizable: whether single weights can be zeroed, and stored in fewer bits.
        reason: why not, if either is False; otherwise empty.
        shares_weights_with: names of other layers that read the same tensor.
        place: which input of the node the weights are.
        is_stacked: whether the axes before `axis` list output channels, too: the directions of a recurrent node.
        statistics: None where the weights were not read or are not floating point.
    """

    name: str
    op_type: str
    weight_name: str
    node_output: str
    weight_shape: tuple[int, ...]
    num_params: int
    macs: int | None
    axis: int | None = None
    prunable: bool = False
    quantizable: bool = False
    reason: str = ""
    shares_weights_with: tuple[str, ...] = ()
    place: int = 1
    is_stacked: bool = False
    statistics: WeightStatistics | None = None

    @property
    def num_weights(self) -> int:
        """Number of weights, without the bias."""
        return math.prod(self.weight_shape) if self.weight_shape else 0

    @property
    def channel_axes(self) -> tuple[int, ...]:
        """The axes of the weight that list its output channels, in order."""
        if self.axis is None:
            return ()
        return tuple(range(self.axis + 1)) if self.is_stacked else (self.axis,)

    @property
    def editable(self) -> bool:
        """Whether a recipe can change anything here."""
        return self.prunable or self.quantizable


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A graph input or output. Dimensions that are not fixed are given by name, or "?"."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model seen from outside.

    Args:
        sha256: of the model file itself.
        digest: of the model file and its external data together; equals `sha256` without external data.
        file_bytes: the model file and its external data.
        macs: sum over the layers, batch 1; None if any layer's is unknown.
        num_params: numbers that the model has learnt, in whatever form they are stored.
    """

    path: str
    sha256: str
    digest: str
    opset: int
    ir_version: int
    producer: str
    num_params: int
    file_bytes: int
    macs: int | None
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    layers: tuple[Layer, ...]
    warnings: tuple[str, ...] = ()
    # Every step asks for every layer by its name: to look through all each time took half of planning 1,500 layers.
    _by_name: dict[str, Layer] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Layers by name."""
        object.__setattr__(self, "_by_name", {layer.name: layer for layer in self.layers})

    def layer(self, name: str) -> Layer:
        """The layer of that name. Raises KeyError if there is none."""
        return self._by_name[name]
