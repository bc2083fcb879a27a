"""Verbs that put a model and samples on the bench."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from workbench.bench import Bench
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import (
    DataInfo,
    OpenedBench,
)
from workbench.engine.data.dataset import open_dataset
from workbench.engine.graph.model import load_model
from workbench.jobs import JobContext
from workbench.last_made import LastMade, fitting
from workbench.session.on_bench import OnBench


class OpeningVerbs(OnBench):
    """What lies on the bench."""

    def open_model(self, path: str | Path, ctx: JobContext | None = None) -> ModelInfo:
        """Put a model on the bench. The one that lies there stays until the new one is read whole.

        Raises:
            ModelError: the file cannot be used.
        """
        if ctx is not None:
            ctx.checkpoint()
        compressor = Compressor(load_model(Path(path)), self._criteria)
        self._on_bench, self._made = Bench(compressor), LastMade()
        return compressor.model.info

    def open_data(
        self, path: str | Path, overrides: Mapping[str, object] | None = None, ctx: JobContext | None = None
    ) -> DataInfo:
        """Put samples on the bench, made ready for the model. Those that lie there stay until the new ones fit.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: they cannot be read or do not fit the model.
            RunError: the model does not run on them.
        """
        ctx, bench = ctx or JobContext(), self._bench
        ctx.checkpoint()
        dataset, reference = fitting(bench.compressor, path, overrides, ctx)
        self._on_bench, self._made.reference = dataclasses.replace(bench, dataset=dataset), reference
        return dataset.info

    def open_calibration(
        self, path: str | Path, overrides: Mapping[str, object] | None = None, ctx: JobContext | None = None
    ) -> DataInfo:
        """Put samples on the bench that set ranges and rounding; without, those of `open_data` do.

        Raises:
            DataError: they cannot be read or do not fit the model.
        """
        if ctx is not None:
            ctx.checkpoint()
        bench = self._bench
        calibration = open_dataset(Path(path), overrides or {}, bench.model.info.inputs)
        self._on_bench = dataclasses.replace(bench, calibration=calibration)
        return calibration.info

    def close_calibration(self) -> None:
        """Have the samples of `open_data` set ranges and rounding again."""
        self._on_bench = dataclasses.replace(self._bench, calibration=None)

    def open_bench(
        self,
        model: str | Path,
        data: str | Path | None,
        overrides: Mapping[str, object] | None,
        recipe: Recipe,
        *,
        calibration: str | Path | None = None,
        calibration_overrides: Mapping[str, object] | None = None,
        source: str = "recipe",
        ctx: JobContext | None = None,
    ) -> OpenedBench:
        """Put a model with its samples on the bench, and look whether a recipe fits; all of it, or nothing.

        Args:
            model: its file.
            data: samples to evaluate on; None for none.
            overrides: how those are made ready.
            recipe: is looked at, and not kept.
            calibration: samples that set ranges and rounding; None to have those of `data` do.
            calibration_overrides: how those are made ready.
            source: what the recipe is called where it does not fit.
            ctx: asked before each step.

        Raises:
            ModelError: the model cannot be used. What lies on the bench stays.
        """
        ctx = ctx or JobContext()
        ctx.checkpoint()
        compressor = Compressor(load_model(Path(model)), self._criteria)
        footprint, dataset, reference = compressor.footprint(), None, None
        own, data_refusal, calibration_refusal, recipe_refusal = None, "", "", ""
        try:
            if data is not None:
                dataset, reference = fitting(compressor, data, overrides, ctx)
        except (WorkbenchError, OSError) as error:
            data_refusal = str(error)
        try:
            if calibration is not None:
                own = open_dataset(Path(calibration), calibration_overrides or {}, compressor.model.info.inputs)
        except (WorkbenchError, OSError) as error:
            calibration_refusal = str(error)
        try:
            compressor.plan(recipe, source=source)
        except WorkbenchError as error:
            recipe_refusal = str(error)
        self._on_bench, self._made = Bench(compressor, dataset, own), LastMade(reference)
        return OpenedBench(
            compressor.model.info,
            footprint,
            dataset.info if dataset is not None else None,
            data_refusal,
            recipe_refusal,
            own.info if own is not None else None,
            calibration_refusal,
        )
