"""Evaluating a model by the rules of other processors, paired with this computer on the same samples."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import onnx

from workbench.engine.core.cpu_rules import CpuComparison, CpuRules, EmulatedReport
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.data.dataset import Dataset
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.runtime.emulated_session import EmulatedSession
from workbench.engine.runtime.saturation import saturates
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

# Sums of pairs take many times the memory of what a layer gives.
_BATCH = 16


@dataclass(frozen=True, slots=True, eq=False)
class OtherCpus:
    """One model, to be evaluated on some samples by the rules of several processors.

    Args:
        data: the file's bytes.
        this: the same model, open on this computer.
        dataset: the samples.
        layers: names of layers, by the tensors that their nodes give.
        recipe_digest: noted in the reports.
    """

    data: bytes
    this: RuntimeSession
    dataset: Dataset
    layers: Mapping[str, str]
    recipe_digest: str = ""

    def evaluate(
        self,
        rules: CpuRules,
        ctx: JobContext,
        *,
        limit: int | None = None,
        reference: ReferenceAnswers | None = None,
    ) -> Iterator[EmulatedReport]:
        """Reports as samples are evaluated; emulated figures have the origin "estimated".

        Args:
            rules: of which processor.
            ctx: asked before each batch; told the progress.
            limit: number of samples; all of them if not given or larger.
            reference: answers to compare with; those of this computer if not given.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: samples or labels do not fit the model.
            ModelError: the model's opset is too old for an emulation.
            RunError: the model does not run.
        """
        ctx.checkpoint()
        compared = reference or ReferenceAnswers(self.this, self.dataset)
        session = self.this
        if rules is not CpuRules.THIS:
            session = EmulatedSession(onnx.load_from_string(self.data), rules, self.layers)
        reports = evaluate(
            session, self.dataset, ctx,
            limit=limit, reference=compared, recipe_digest=self.recipe_digest, batch_size=_BATCH,
        )  # fmt: skip
        for report in reports:
            if isinstance(session, EmulatedSession):
                saturations, left_out = session.saturations, session.left_out
                yield EmulatedReport(rules, _estimated(report), saturations, left_out, session.is_quantized)
            elif reference is None:
                # It is the same as itself, whatever it does: that is no measurement.
                alone = replace(report, reference=None, difference=None, agreement=None, kl_divergence=None)
                yield EmulatedReport(rules, alone)
            else:
                yield EmulatedReport(rules, report)

    def compare(self, ctx: JobContext, *, limit: int | None = None) -> Iterator[CpuComparison]:
        """This computer and then every other kind of processor, a comparison more complete after each.

        Args:
            ctx: asked before each batch; told the progress.
            limit: number of samples; all of them if not given or larger.

        Raises:
            Cancelled: somebody asked to stop.
            DataError: samples or labels do not fit the model.
            ModelError: the model's opset is too old for an emulation.
            RunError: the model does not run.
        """
        start, this_saturates = time.perf_counter(), saturates()
        reference = ReferenceAnswers(self.this, self.dataset)
        rows: list[EmulatedReport] = []
        # Pairs take most of the time.
        parts = ((CpuRules.THIS, 0.0, 0.05), (CpuRules.EXACT, 0.05, 0.15), (CpuRules.SATURATING, 0.15, 1.0))
        for rules, low, high in parts:
            part = ctx.part(low, high, rules.label)
            compared = None if rules is CpuRules.THIS else reference
            for report in self.evaluate(rules, part, limit=limit, reference=compared):
                if report.evaluation.is_final:
                    rows.append(report)
            seconds = time.perf_counter() - start
            yield CpuComparison(self.recipe_digest, this_saturates, tuple(rows), seconds)


def _estimated(report: EvaluationReport) -> EvaluationReport:
    """The report with figures that were not measured on the processor that they are of."""
    return replace(
        report,
        figure=replace(report.figure, origin=Origin.ESTIMATED),
        difference=_as_estimate(report.difference),
        agreement=_as_estimate(report.agreement),
        kl_divergence=_as_estimate(report.kl_divergence),
    )


def _as_estimate(figure: Figure | None) -> Figure | None:
    return replace(figure, origin=Origin.ESTIMATED) if figure is not None else None
