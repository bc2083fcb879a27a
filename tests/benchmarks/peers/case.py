"""One line of the comparison: a model, its samples, and how it is to be quantized, for every tool alike."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.core.recipe import Recipe
from workbench.engine.data.dataset import Dataset, open_dataset, seeded_subset
from workbench.engine.runtime.session import RuntimeSession
from workbench.project.recipe_text import parse_recipe

_SEED = 0
_BATCH = 32

Feeds = dict[str, npt.NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Bench:
    """A model with its samples, by path within the folder of models.

    Args:
        calibration: what ranges and rounding are set by; without, the samples themselves.
    """

    name: str
    model: str
    data: str
    calibration: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A setting that all tools are asked for.

    Args:
        reach: the drop in points that ours should stay within.
        per_channel: scales of the weights, else one for each tensor.
        num_calibration: samples that set ranges and rounding.
        aimet: AIMET's methods, as its worker names them.
    """

    bench: Bench
    setting: str
    weight_bits: int
    reach: float
    per_channel: bool = True
    num_calibration: int = 512
    aimet: tuple[str, ...] = ("minmax",)

    @property
    def title(self) -> str:
        """Model and setting, as one word."""
        return f"{self.bench.name}-{self.setting}".replace(" ", "-")

    @property
    def recipe(self) -> Recipe:
        """What our engine is asked for.

        Eight bits stay within seven: without VNNI a CPU saturates when it adds two products of u8 and s8.
        """
        codes = "bits: 8, reduce_range: true" if self.weight_bits == 8 else f"bits: {self.weight_bits}, range: mse"
        granularity = "per_channel" if self.per_channel else "per_tensor"
        return recipe_of(
            f"{{{codes}, rounding: learned, granularity: {granularity}}}", num_calibration=self.num_calibration
        )


@dataclass(frozen=True, slots=True)
class Samples:
    """A case's files, opened for tools that take arrays."""

    model: Path
    data: Path
    calibration: Path
    settings: dict[str, object]
    num_calibration: int

    @property
    def dataset(self) -> Dataset:
        """What accuracy is measured on."""
        return open_dataset(self.data, self.settings, RuntimeSession(self.model).inputs)

    def calibration_batches(self) -> Iterator[Feeds]:
        """The very samples that our engine calibrates with, in the order it draws them."""
        session = RuntimeSession(self.model)
        dataset = open_dataset(self.calibration, self.settings, session.inputs)
        order = seeded_subset(len(dataset), self.num_calibration, _SEED)
        size = session.batch_size or _BATCH
        for start in range(0, len(order), size):
            yield dataset.batch(order[start : start + size])


def samples_of(case: Case, folder: Path) -> Samples:
    """The case's files, with the preprocessing that `pairs.json` lists for them."""
    bench = case.bench
    pairs = json.loads((folder / "pairs.json").read_text(encoding="utf-8"))
    pair = next(item for item in pairs if (item["model"], item["data"]) == (bench.model, bench.data))
    settings = {key: pair["pre"][key] for key in ("scale", "mean", "std")} | {"labels_offset": pair["label_offset"]}
    calibration = folder / (bench.calibration or bench.data)
    return Samples(folder / bench.model, folder / bench.data, calibration, settings, case.num_calibration)


def recipe_of(weights: str, *, num_calibration: int, encoding: str = "auto") -> Recipe:
    """One rule for all layers, with 8-bit activations."""
    return parse_recipe(f"""
version: 1
encoding: {encoding}
rules:
  - select: '*'
    weights: {weights}
    activations: {{bits: 8}}
calibration: {{samples: {num_calibration}, seed: {_SEED}}}
""")
