"""What was built, opened and answered last, kept with what it was made of: preview, size and export ask in turn."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.bench import Bench, Made
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.data.dataset import Dataset, open_dataset
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.fitting import check_fits
from workbench.engine.evaluate.judge import choose_metric
from workbench.engine.evaluate.other_cpus import OtherCpus
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

Answers = tuple[Made, ReferenceAnswers]


class LastMade:
    """Makes a thing, or gives the last one back if it was made of the same.

    Several threads may ask: each thing is read once and put back whole, together with what it was made of.

    Args:
        reference: the original's answers, where they are known.
    """

    def __init__(self, reference: Answers | None = None) -> None:
        self.reference = reference
        self.rounds: dict[Made, EvaluationReport] = {}
        self._built: tuple[Made, bytes] | None = None
        self._running: tuple[Made, RuntimeSession] | None = None

    def evaluate(
        self, bench: Bench, recipe: Recipe, limit: int | None, ctx: JobContext, *, skip: int = 0
    ) -> Iterator[EvaluationReport]:
        """Evaluate what a recipe gives, paired with the original, on samples after the skipped ones.

        Raises:
            DataError: there are no samples.
        """
        dataset = bench.samples
        if not recipe.rules:
            session = RuntimeSession(bench.model.path)
            metric = choose_metric(dataset.info.preprocessing.metric, dataset, session.outputs[0])
            # It agrees with itself; others are then shown against that.
            reference = self.original_answers(bench) if metric == "agreement" else None
            reports = evaluate(session, dataset, ctx, limit=limit, skip=skip, reference=reference)
        else:
            session, original = self.session_of(bench, recipe, ctx), self.original_answers(bench)
            digest = recipe.digest
            reports = evaluate(session, dataset, ctx, limit=limit, skip=skip, reference=original, recipe_digest=digest)
        return map(bench.named, reports)

    def build(self, bench: Bench, recipe: Recipe, ctx: JobContext) -> bytes:
        """The compressed file's bytes; the last ones are kept. Raises Cancelled."""
        samples = bench.calibration_set(recipe.calibration)
        made, kept = bench.key(recipe), self._built
        if kept is None or kept[0] != made:
            plan = bench.plan(recipe, ctx)
            kept = made, bench.compressor.build(plan, encoding=recipe.encoding, samples=samples, ctx=ctx)
            if recipe.rules:
                # The original is timed between preview and size; the file that took a minute must outlive that.
                self._built = kept
        return kept[1]

    def session_of(self, bench: Bench, recipe: Recipe, ctx: JobContext) -> RuntimeSession:
        """The compressed model open in onnxruntime; the last one stays open. Raises Cancelled."""
        made, kept = bench.key(recipe), self._running
        if kept is None or kept[0] != made:
            kept = made, RuntimeSession(self.build(bench, recipe, ctx))
            self._running = kept
        return kept[1]

    def other_cpus(self, bench: Bench, recipe: Recipe, ctx: JobContext) -> OtherCpus:
        """The model that a recipe gives, ready to be computed by the rules of other processors. Raises Cancelled."""
        names = {layer.node_output: layer.name for layer in bench.model.info.layers}
        session = self.session_of(bench, recipe, ctx) if recipe.rules else RuntimeSession(bench.model.path)
        return OtherCpus(self.build(bench, recipe, ctx), session, bench.samples, names, recipe.digest)

    def original_answers(self, bench: Bench) -> ReferenceAnswers:
        """What the original answers on the samples, kept for all that is compared with it."""
        made, kept = (bench.compressor, bench.samples), self.reference
        if kept is None or kept[0] != made:
            kept = made, ReferenceAnswers(RuntimeSession(bench.model.path), bench.samples)
            self.reference = kept
        return kept[1]


def fitting(
    compressor: Compressor, path: str | Path, overrides: Mapping[str, object] | None, ctx: JobContext
) -> tuple[Dataset, tuple[Made, ReferenceAnswers]]:
    """Samples that the model runs on, and what will answer for it on them."""
    model = compressor.model
    dataset = open_dataset(Path(path), overrides or {}, model.info.inputs)
    session = RuntimeSession(model.path)
    check_fits(session, dataset, ctx)
    return dataset, ((compressor, dataset), ReferenceAnswers(session, dataset))
