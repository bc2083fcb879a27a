"""The bench: a model, samples and a recipe, and the verbs that window, command line and scripts call."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.engine.compress.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.digest import digest_of_file
from workbench.engine.core.errors import DataError, ModelError, WorkbenchError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import (
    ApplyReport,
    DataInfo,
    EvaluationReport,
    LatencyReport,
    LayerPreview,
    ModelFootprint,
    ModelSummary,
    OpenedBench,
)
from workbench.engine.core.weight_curves import WeightCurves, build_weight_curves
from workbench.engine.data.dataset import Dataset, open_dataset
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.export.verify import verify_file
from workbench.engine.graph.model import Model, load_model
from workbench.engine.graph.save import check_target, write_atomically
from workbench.engine.runtime.latency import measure_latency
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_Made = tuple[object, ...]


class Session:
    """One model and one data set on the bench. Verbs take a recipe; nothing is remembered of it but caches.

    Verbs may be called from several threads. What was made last is kept together with what it was made of, and
    read once: another thread may put its own in its place at any time.
    """

    def __init__(self) -> None:
        self._compressor: Compressor | None = None
        self._dataset: Dataset | None = None
        self._calibration: Dataset | None = None
        self._reference: tuple[_Made, ReferenceAnswers] | None = None
        self._built: tuple[_Made, bytes] | None = None
        self._running: tuple[_Made, RuntimeSession] | None = None

    def open_model(self, path: str | Path, ctx: JobContext | None = None) -> ModelInfo:
        """Put a model on the bench. The one that lies there stays until the new one is read whole.

        Raises:
            ModelError: the file cannot be used.
        """
        if ctx is not None:
            ctx.checkpoint()
        compressor = Compressor(load_model(Path(path)))
        self._compressor, self._dataset, self._reference = compressor, None, None
        self._calibration = None
        self._built = self._running = None
        return compressor.model.info

    def open_data(
        self, path: str | Path, overrides: Mapping[str, object] | None = None, ctx: JobContext | None = None
    ) -> DataInfo:
        """Put samples on the bench, made ready for the model.

        Raises:
            DataError: they cannot be read or do not fit the model.
        """
        if ctx is not None:
            ctx.checkpoint()
        dataset = open_dataset(Path(path), overrides or {}, self._model.info.inputs)
        self._dataset, self._reference = dataset, None
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
        self._calibration = open_dataset(Path(path), overrides or {}, self._model.info.inputs)
        self._built = self._running = None
        return self._calibration.info

    def open_bench(
        self,
        model: str | Path,
        data: str | Path | None,
        overrides: Mapping[str, object] | None,
        recipe: Recipe,
        *,
        source: str = "recipe",
        ctx: JobContext | None = None,
    ) -> OpenedBench:
        """Put a model with its samples on the bench, and look whether a recipe fits; all of it, or nothing.

        Raises:
            ModelError: the model cannot be used. What lies on the bench stays.
        """
        if ctx is not None:
            ctx.checkpoint()
        compressor = Compressor(load_model(Path(model)))
        footprint, dataset, info = compressor.footprint(), None, compressor.model.info
        data_refusal = recipe_refusal = ""
        try:
            dataset = open_dataset(Path(data), overrides or {}, info.inputs) if data is not None else None
        except (WorkbenchError, OSError) as error:
            data_refusal = str(error)
        try:
            compressor.plan(recipe, source=source)
        except WorkbenchError as error:
            recipe_refusal = str(error)
        self._compressor, self._dataset, self._reference = compressor, dataset, None
        self._calibration = None
        self._built = self._running = None
        data_info = dataset.info if dataset is not None else None
        return OpenedBench(info, footprint, data_info, data_refusal, recipe_refusal)

    def footprint(self) -> ModelFootprint:
        """What size previews need of the model."""
        return self._bench.footprint()

    def curves(self, layer: str) -> WeightCurves:
        """Histogram, quantiles and channel ranges of one layer's weights."""
        return build_weight_curves(self._model.weight(layer), self._model.info.layer(layer).axis)

    def layer_preview(self, layer: str, recipe: Recipe) -> LayerPreview:
        """What a recipe does to one layer's weights. Raises RecipeError."""
        return self._bench.preview(layer, recipe)

    def plan(self, recipe: Recipe, *, source: str = "recipe") -> Plan:
        """The recipe resolved on the model. Raises RecipeError."""
        return self._bench.plan(recipe, has_samples=self._calibration_set(recipe) is not None, source=source)

    def preview_bytes(self, recipe: Recipe) -> int:
        """The exact size of the file that the recipe gives."""
        return len(self._build(self._bench, recipe))

    def evaluate(
        self, recipe: Recipe | None = None, *, limit: int | None = None, ctx: JobContext | None = None
    ) -> Iterator[EvaluationReport]:
        """Evaluate the graph that the recipe gives, paired with the original; the original without a recipe.

        Raises:
            DataError: there are no samples, or they do not fit.
        """
        ctx = ctx or JobContext()
        bench, dataset = self._bench, self._samples
        if recipe is None or not recipe.rules:
            reference = None if dataset.info.has_labels else self._original_answers(bench, dataset)
            yield from evaluate(bench.model.path, dataset, ctx, limit=limit, reference=reference)
            return
        session = self._session_of(bench, recipe)
        original, digest = self._original_answers(bench, dataset), recipe.digest
        yield from evaluate(session, dataset, ctx, limit=limit, reference=original, recipe_digest=digest)

    def evaluate_against(
        self, other: str | Path, *, limit: int | None = None, ctx: JobContext | None = None
    ) -> Iterator[EvaluationReport]:
        """Evaluate the model on the bench, paired with another model file on the same samples."""
        model, dataset = self._model, self._samples
        reference = ReferenceAnswers(RuntimeSession(Path(other)), dataset)
        yield from evaluate(model.path, dataset, ctx or JobContext(), limit=limit, reference=reference)

    def measure_latency(self, recipe: Recipe | None = None, ctx: JobContext | None = None) -> LatencyReport:
        """Time of one inference on this computer, of the graph that the recipe gives."""
        recipe = recipe or Recipe()
        report = measure_latency(self._build(self._bench, recipe), ctx or JobContext())
        return dataclasses.replace(report, recipe_digest=recipe.digest)

    def export(
        self, recipe: Recipe, path: str | Path, *, force: bool = False, ctx: JobContext | None = None
    ) -> ApplyReport:
        """Compress, write, open the file again in a fresh process, and compare it with the preview.

        Raises:
            ExportError: the file cannot be written.
            RecipeError: the recipe does not fit the model.
        """
        ctx = ctx or JobContext()
        target = Path(path)
        model = self._model
        check_target(target, force=force, inputs=[model.path, *model.data.external_paths()])
        plan = self.plan(recipe)
        data = self._build(self._bench, recipe)
        after, difference = None, None
        before = None
        if self._dataset is not None:
            for report in self.evaluate(recipe, ctx=ctx.part(0, 0.5)):
                after, difference = report.figure, report.difference
                before = report.reference or report.figure
        ctx.checkpoint()
        write_atomically(target, data, force=force)
        verified = verify_file(data, target, self._dataset, ctx.part(0.5, 1))
        info = self._model.info
        return ApplyReport(
            plan=plan,
            before=ModelSummary(info.file_bytes, info.num_params, info.macs, self._sparsity(Plan(())), before),
            after=ModelSummary(len(data), info.num_params, info.macs, self._sparsity(plan), after),
            preview_bytes=len(data),
            preview_accuracy=after,
            difference=difference,
            verified=verified,
            output_path=target,
            output_sha256=digest_of_file(target),
        )

    @property
    def _bench(self) -> Compressor:
        if self._compressor is None:
            raise ModelError("no model is open", "open a model first")
        return self._compressor

    @property
    def _model(self) -> Model:
        return self._bench.model

    @property
    def _samples(self) -> Dataset:
        if self._dataset is None:
            raise DataError("no samples are open", "open data first")
        return self._dataset

    def _sparsity(self, plan: Plan) -> float:
        return self._bench.sparsity(plan)

    def _calibration_set(self, recipe: Recipe) -> CalibrationSet | None:
        dataset = self._calibration or self._dataset
        return None if dataset is None else CalibrationSet(dataset, recipe.calibration)

    def _build(self, bench: Compressor, recipe: Recipe, ctx: JobContext | None = None) -> bytes:
        """The compressed file's bytes; the last ones are kept, as preview, size and export ask in turn."""
        samples = self._calibration_set(recipe)
        made, kept = (bench, recipe.digest, samples.key if samples else None), self._built
        if kept is None or kept[0] != made:
            plan = bench.plan(recipe, has_samples=samples is not None)
            kept = made, bench.build(plan, encoding=recipe.encoding, samples=samples, ctx=ctx)
            self._built = kept
        return kept[1]

    def _session_of(self, bench: Compressor, recipe: Recipe) -> RuntimeSession:
        made, kept = (bench, recipe.digest), self._running
        if kept is None or kept[0] != made:
            kept = made, RuntimeSession(self._build(bench, recipe))
            self._running = kept
        return kept[1]

    def _original_answers(self, bench: Compressor, dataset: Dataset) -> ReferenceAnswers:
        made, kept = (bench, dataset), self._reference
        if kept is None or kept[0] != made:
            kept = made, ReferenceAnswers(RuntimeSession(bench.model.path), dataset)
            self._reference = kept
        return kept[1]
