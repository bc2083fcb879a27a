"""The bench: a model, samples and a recipe, and the verbs that window, command line and scripts call."""

import dataclasses
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.digest import digest_of_file
from workbench.engine.core.errors import DataError, ModelError
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.measurement import Figure
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import (
    ApplyReport,
    DataInfo,
    EvaluationReport,
    FormatReport,
    LatencyReport,
    LayerPreview,
    ModelFootprint,
    ModelSummary,
)
from workbench.engine.core.weight_curves import WeightCurves, build_weight_curves
from workbench.engine.core.whole_file import make_whole
from workbench.engine.data.dataset import Dataset, open_dataset
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.judge import choose_metric
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.export.write_verified import write_verified
from workbench.engine.graph.model import Model, load_model
from workbench.engine.graph.save import check_target
from workbench.engine.runtime.latency import measure_latency
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext
from workbench.plugin_api import Exporter

_Made = tuple[Compressor, object]


@dataclass(frozen=True, slots=True, eq=False)
class _Bench:
    """What lies on the bench. A verb takes it once and works on that to its end."""

    compressor: Compressor
    dataset: Dataset | None = None

    @property
    def model(self) -> Model:
        """The original model."""
        return self.compressor.model

    @property
    def samples(self) -> Dataset:
        """The samples. Raises DataError if there are none."""
        if self.dataset is None:
            raise DataError("no samples are open", "open data first")
        return self.dataset


class Session:
    """One model and one data set on the bench. Verbs take a recipe; nothing is remembered of it but caches.

    Verbs may be called from several threads. The bench is one value, and what was made last is kept together with
    what it was made of; both are read once, since another thread may put its own in their place at any time.
    """

    def __init__(self) -> None:
        self._on_bench: _Bench | None = None
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
        self._on_bench, self._reference = _Bench(compressor), None
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
        bench = self._bench
        dataset = open_dataset(Path(path), overrides or {}, bench.model.info.inputs)
        self._on_bench, self._reference = dataclasses.replace(bench, dataset=dataset), None
        return dataset.info

    def footprint(self) -> ModelFootprint:
        """What size previews need of the model."""
        return self._bench.compressor.footprint()

    def curves(self, layer: str) -> WeightCurves:
        """Histogram, quantiles and channel ranges of one layer's weights."""
        model = self._bench.model
        return build_weight_curves(model.weight(layer), model.info.layer(layer).axis)

    def layer_preview(self, layer: str, recipe: Recipe) -> LayerPreview:
        """What a recipe does to one layer's weights. Raises RecipeError."""
        return self._bench.compressor.preview(layer, recipe)

    def plan(self, recipe: Recipe, *, source: str = "recipe") -> Plan:
        """The recipe resolved on the model. Raises RecipeError."""
        return self._bench.compressor.plan(recipe, source=source)

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
        return self._evaluate(self._bench, recipe or Recipe(), limit, ctx or JobContext())

    def evaluate_against(
        self, other: str | Path, *, limit: int | None = None, ctx: JobContext | None = None
    ) -> Iterator[EvaluationReport]:
        """Evaluate the model on the bench, paired with another model file on the same samples."""
        bench = self._bench
        reference = ReferenceAnswers(RuntimeSession(Path(other)), bench.samples)
        reports = evaluate(bench.model.path, bench.samples, ctx or JobContext(), limit=limit, reference=reference)
        return _named(reports, bench)

    def measure_latency(self, recipe: Recipe | None = None, ctx: JobContext | None = None) -> LatencyReport:
        """Time of one inference on this computer, of the graph that the recipe gives."""
        recipe, bench = recipe or Recipe(), self._bench
        report = measure_latency(self._build(bench, recipe), ctx or JobContext())
        return dataclasses.replace(report, recipe_digest=recipe.digest, model_digest=bench.model.info.digest)

    def export(
        self, recipe: Recipe, path: str | Path, *, force: bool = False, ctx: JobContext | None = None
    ) -> ApplyReport:
        """Compress, write, open the file again in a fresh process, and compare it with the preview.

        A file that is not what was previewed does not get the target's name: what was there stays.

        Raises:
            Cancelled: somebody asked to stop; nothing is written, as after an error.
            ExportError: the file cannot be written.
            RecipeError: the recipe does not fit the model.
            VerificationError: a fresh process cannot use the file.
        """
        ctx = ctx or JobContext()
        bench, target = self._bench, Path(path)
        check_target(target, force=force, inputs=[bench.model.path, *bench.model.data.external_paths()])
        plan, data = bench.compressor.plan(recipe), self._build(bench, recipe)
        evaluation = _last(self._evaluate(bench, recipe, None, ctx.part(0, 0.5))) if bench.dataset is not None else None
        ctx.checkpoint()
        verified, sha256 = write_verified(data, target, bench.dataset, ctx.part(0.5, 1), force=force)
        before, after, difference = _compared(evaluation)
        return ApplyReport(
            plan=plan,
            before=_summary(bench, Plan(()), bench.model.info.file_bytes, before),
            after=_summary(bench, plan, len(data), after),
            preview_bytes=len(data),
            preview_accuracy=after,
            difference=difference,
            verified=verified,
            output_path=target,
            output_sha256=sha256,
            metric=evaluation.metric if evaluation is not None else "",
            data=bench.dataset.info if bench.dataset is not None else None,
        )

    def export_as(self, exporter: Exporter, recipe: Recipe, path: str | Path, *, force: bool = False) -> FormatReport:
        """Compress, and write in the format of a plugin. The file is not compared with the preview.

        Raises:
            ExportError: the file cannot be written.
            RecipeError: the recipe does not fit the model.
        """
        bench, target = self._bench, Path(path)
        check_target(target, force=force, inputs=[bench.model.path, *bench.model.data.external_paths()])
        plan, data = bench.compressor.plan(recipe), self._build(bench, recipe)
        make_whole(target, lambda made: exporter.write(data, made), force=force)
        return FormatReport(exporter.name, plan, target, target.stat().st_size, digest_of_file(target))

    @property
    def _bench(self) -> _Bench:
        bench = self._on_bench
        if bench is None:
            raise ModelError("no model is open", "open a model first")
        return bench

    def _evaluate(
        self, bench: _Bench, recipe: Recipe, limit: int | None, ctx: JobContext
    ) -> Iterator[EvaluationReport]:
        dataset = bench.samples
        if not recipe.rules:
            session = RuntimeSession(bench.model.path)
            metric = choose_metric(dataset.info.preprocessing.metric, dataset, session.outputs[0])
            # It agrees with itself; others are then shown against that.
            reference = self._original_answers(bench) if metric == "agreement" else None
            reports = evaluate(session, dataset, ctx, limit=limit, reference=reference)
        else:
            session, original = self._session_of(bench, recipe), self._original_answers(bench)
            reports = evaluate(session, dataset, ctx, limit=limit, reference=original, recipe_digest=recipe.digest)
        return _named(reports, bench)

    def _build(self, bench: _Bench, recipe: Recipe) -> bytes:
        """The compressed file's bytes; the last ones are kept, as preview, size and export ask in turn."""
        made, kept = (bench.compressor, recipe.digest), self._built
        if kept is None or kept[0] != made:
            kept = made, bench.compressor.build(bench.compressor.plan(recipe), encoding=recipe.encoding)
            self._built = kept
        return kept[1]

    def _session_of(self, bench: _Bench, recipe: Recipe) -> RuntimeSession:
        made, kept = (bench.compressor, recipe.digest), self._running
        if kept is None or kept[0] != made:
            kept = made, RuntimeSession(self._build(bench, recipe))
            self._running = kept
        return kept[1]

    def _original_answers(self, bench: _Bench) -> ReferenceAnswers:
        made, kept = (bench.compressor, bench.samples), self._reference
        if kept is None or kept[0] != made:
            kept = made, ReferenceAnswers(RuntimeSession(bench.model.path), bench.samples)
            self._reference = kept
        return kept[1]


def _named(reports: Iterator[EvaluationReport], bench: _Bench) -> Iterator[EvaluationReport]:
    """The reports with what they hold for: whoever reads them may have something else on the bench by then."""
    model_digest, dataset_digest = bench.model.info.digest, bench.samples.info.digest
    for report in reports:
        yield dataclasses.replace(report, model_digest=model_digest, dataset_digest=dataset_digest)


def _last(reports: Iterator[EvaluationReport]) -> EvaluationReport | None:
    return next(iter(deque(reports, maxlen=1)), None)


def _compared(evaluation: EvaluationReport | None) -> tuple[Figure | None, Figure | None, Figure | None]:
    """The original's figure, the compressed model's, and the difference."""
    if evaluation is None:
        return None, None, None
    if evaluation.metric == "agreement":
        # The original agrees with itself whatever it does: that is no measurement of it.
        return None, evaluation.figure, None
    return evaluation.reference or evaluation.figure, evaluation.figure, evaluation.difference


def _summary(bench: _Bench, plan: Plan, file_bytes: int, accuracy: Figure | None) -> ModelSummary:
    info = bench.model.info
    return ModelSummary(file_bytes, info.num_params, info.macs, bench.compressor.sparsity(plan), accuracy)
