"""Torch-Pruning in a process of its own, since it needs torch: prunes ResNet-20 without fine-tuning, and answers.

Run as a script: `python magnitude_pruner_worker.py FOLDER`. The folder holds `request.json` and `samples.npy`, shape
(N, 3, 32, 32); it gets `answers.npy`, shape (settings, N), and `result.json`.

It cannot follow the padded shortcuts of this network, and leaves a model that does not run. So it prunes what it can
follow: the first convolution of each block, whose channels end at the second.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch_pruning
from torch import Tensor, nn
from torch.nn import functional

_BLOCKS = 3
_SEARCH_STEPS = 9
_BATCH = 250


class Shortcut(nn.Module):
    """Every second pixel, with channels of zeros on both sides: option A of He et al. 2015 (arXiv:1512.03385)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Tensor) -> Tensor:
        each = self.width // 4
        return functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, each, each))


class Block(nn.Module):
    """Two convolutions and a shortcut around them."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = Shortcut(width) if before != width else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(inner)) + self.shortcut(x))


class ResNet20(nn.Module):
    """ResNet-20 for CIFAR-10, with the names of the stored checkpoint."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, 1)
        self.layer2 = _stage(16, 32, 2)
        self.layer3 = _stage(32, 64, 2)
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def _stage(before: int, width: int, stride: int) -> nn.Sequential:
    rest = [Block(width, width, 1) for _ in range(_BLOCKS - 1)]
    return nn.Sequential(Block(before, width, stride), *rest)


def main(folder: Path) -> None:
    """Do what the folder's request says."""
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    torch.manual_seed(0)
    state = torch.load(request["checkpoint"], map_location="cpu", weights_only=True)["state_dict"]
    state = {name.removeprefix("module."): value for name, value in state.items()}
    samples = torch.from_numpy(np.load(folder / "samples.npy"))
    whole = _loaded(state)
    base = _macs(whole)
    settings, answers = [], []
    for is_global in (False, True):
        start = time.perf_counter()
        model, ratio = _at_share(state, is_global=is_global, most_macs=request["share"] * base)
        seconds = time.perf_counter() - start
        settings.append({"is_global": is_global, "ratio": ratio, "share": _macs(model) / base, "seconds": seconds})
        answers.append(_answers(model, samples))
    np.save(folder / "answers.npy", np.stack([_answers(whole, samples), *answers]))
    result = {"version": torch_pruning.__version__, "settings": settings}
    (folder / "result.json").write_text(json.dumps(result), encoding="utf-8")


def _loaded(state: dict[str, Tensor]) -> ResNet20:
    model = ResNet20()
    model.load_state_dict(state)
    return model.eval()


def _at_share(state: dict[str, Tensor], *, is_global: bool, most_macs: float) -> tuple[ResNet20, float]:
    """The model of the least ratio that leaves no more multiply-adds, by halving."""
    low, high = 0.0, 0.95
    found = None
    for _ in range(_SEARCH_STEPS):
        ratio = (low + high) / 2
        model = _pruned(state, ratio, is_global=is_global)
        if _macs(model) <= most_macs:
            high, found = ratio, (model, ratio)
        else:
            low = ratio
    if found is None:
        raise SystemExit("no ratio leaves so few multiply-adds")
    return found


def _pruned(state: dict[str, Tensor], ratio: float, *, is_global: bool) -> ResNet20:
    model = _loaded(state)
    blocks = [block for stage in (model.layer1, model.layer2, model.layer3) for block in stage]
    pruner = torch_pruning.pruner.MagnitudePruner(
        model,
        torch.zeros(1, 3, 32, 32),
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=ratio,
        global_pruning=is_global,
        ignored_layers=[model.conv1, model.linear, *(block.conv2 for block in blocks)],
    )
    pruner.step()
    return model


def _macs(model: ResNet20) -> int:
    """Multiply-adds of convolutions and the linear layer, as our engine counts them."""
    total = 0

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        places = output.shape[2] * output.shape[3] if output.ndim == 4 else 1
        total += module.weight.numel() * places

    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    hooks = [module.register_forward_hook(count) for module in layers]
    with torch.no_grad():
        model(torch.zeros(1, 3, 32, 32))
    for hook in hooks:
        hook.remove()
    return total


def _answers(model: ResNet20, samples: Tensor) -> np.ndarray:
    with torch.no_grad():
        return torch.cat([model(part).argmax(1) for part in samples.split(_BATCH)]).numpy()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
