"""The demo network: small, and with layers that differ as those of a phone's network do.

A plain 3×3 convolution, a residual block, an inverted bottleneck with a depthwise convolution, a second
one with a stride, and two fully connected layers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn


class ConvBn(nn.Module):
    """Convolution with batch normalization; "same" padding, without bias of its own."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """(N, in, H, W) to (N, out, H/stride, W/stride)."""
        return self.norm(self.conv(inputs))


class DigitsNetwork(nn.Module):
    """(N, 1, 8, 8) pixels 0…1 to (N, 10) scores."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvBn(1, 24, 3)
        self.residual_1 = ConvBn(24, 24, 3)
        self.residual_2 = ConvBn(24, 24, 3)
        self.expand = ConvBn(24, 72, 1)
        self.depthwise = ConvBn(72, 72, 3, groups=72)
        self.project = ConvBn(72, 24, 1)
        self.down_expand = ConvBn(24, 72, 1)
        self.down_depthwise = ConvBn(72, 72, 3, stride=2, groups=72)
        self.down_project = ConvBn(72, 48, 1)
        self.hidden = nn.Linear(48 * 4 * 4, 32)
        self.head = nn.Linear(32, 10)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The scores, before any softmax."""
        values = torch.relu(self.stem(inputs))
        values = torch.relu(values + self.residual_2(torch.relu(self.residual_1(values))))
        inner = torch.relu(self.depthwise(torch.relu(self.expand(values))))
        values = values + self.project(inner)
        inner = torch.relu(self.down_depthwise(torch.relu(self.down_expand(values))))
        values = torch.relu(self.down_project(inner)).flatten(1)
        return self.head(torch.relu(self.hidden(values)))


@dataclass(frozen=True, slots=True, eq=False)
class FoldedLayer:
    """One layer with its batch normalization folded in.

    Args:
        weight: (out, in/groups, k, k) of a convolution or (out, in) of a fully connected layer, float32.
        bias: (out,), float32.
    """

    name: str
    weight: npt.NDArray[np.float32]
    bias: npt.NDArray[np.float32]
    stride: int = 1
    groups: int = 1


def folded_layers(network: DigitsNetwork) -> dict[str, FoldedLayer]:
    """The trained layers by name, in the order in which they run.

    Source: y = γ (w·x − μ) / √(σ² + ε) + β, so w' = w γ / √(σ² + ε) and b' = β − μ γ / √(σ² + ε).
    """
    return {layer.name: layer for layer in _folded(network)}


def _folded(network: DigitsNetwork) -> Iterator[FoldedLayer]:
    for name, module in network.named_children():
        if isinstance(module, ConvBn):
            norm = module.norm
            factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weight = module.conv.weight * factor[:, None, None, None]
            bias = norm.bias - norm.running_mean * factor
            yield FoldedLayer(name, _array(weight), _array(bias), module.conv.stride[0], module.conv.groups)
        elif isinstance(module, nn.Linear):
            yield FoldedLayer(name, _array(module.weight), _array(module.bias))


def _array(tensor: torch.Tensor) -> npt.NDArray[np.float32]:
    return tensor.detach().numpy().astype(np.float32)
