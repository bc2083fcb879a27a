"""Verbs that write files, and prove them."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from workbench.engine.core.digest import digest_of_file
from workbench.engine.core.export_formats import ONNX_FORMAT, ExportFormat, ExportFormats
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import (
    ApplyReport,
    ChannelProof,
    EvaluationReport,
    FormatReport,
)
from workbench.engine.core.whole_file import make_whole
from workbench.engine.export.before_and_after import compared_accuracy, shares_left, summary_of
from workbench.engine.export.write_verified import write_verified
from workbench.engine.graph.save import check_ending, check_onnx_name, check_target
from workbench.jobs import JobContext
from workbench.plugin_api import Exporter
from workbench.session.on_bench import OnBench


class ExportingVerbs(OnBench):
    """What a recipe gives, as a file."""

    def export(
        self,
        recipe: Recipe,
        path: str | Path,
        *,
        limit: int | None = None,
        force: bool = False,
        ctx: JobContext | None = None,
    ) -> ApplyReport:
        """Compress, write, open the file again in a fresh process, and compare it with the preview.

        A file that is not what was previewed does not get the target's name: what was there stays.

        Args:
            recipe: what is done.
            path: the file to write.
            limit: samples that accuracy is measured on, before and after; all of them if not given or larger. The
                file is compared with the preview on all of them.
            force: whether to overwrite the file that is there.
            ctx: asked before each step; told the progress.

        Raises:
            Cancelled: somebody asked to stop; nothing is written, as after an error.
            ExportError: the file cannot be written, or its name does not end in .onnx.
            RecipeError: the recipe does not fit the model.
            VerificationError: a fresh process cannot use the file.
        """
        ctx = ctx or JobContext()
        bench, target = self._bench, Path(path)
        check_target(target, force=force, inputs=[bench.model.path, *bench.model.data.external_paths()])
        check_onnx_name(target)
        plan = bench.plan(recipe, ctx.part(0, 0.15, "compressing"))
        data = self._made.build(bench, recipe, ctx.part(0.15, 0.3, "compressing"))
        measuring = ctx.part(0.3, 0.55, "measuring")
        evaluation = _last(self._made.evaluate(bench, recipe, limit, measuring)) if bench.dataset is not None else None
        ctx.checkpoint()
        left = bench.without_channels(plan, recipe, ctx)
        proof = self._proof(bench, recipe, plan, ctx.part(0.55, 0.6, "proving what was cut"))
        verified, sha256 = write_verified(data, target, bench.dataset, ctx.part(0.6, 1, "verifying"), force=force)
        before, after, difference = compared_accuracy(evaluation)
        return ApplyReport(
            plan=plan,
            before=summary_of(bench.compressor, Plan(()), bench.model.info.file_bytes, before),
            after=summary_of(left, plan, len(data), after),
            preview_bytes=len(data),
            preview_accuracy=after,
            difference=difference,
            verified=verified,
            output_path=target,
            output_sha256=sha256,
            metric=evaluation.metric if evaluation is not None else "",
            data=bench.dataset.info if bench.dataset is not None else None,
            channels=proof,
            shares=shares_left(bench.compressor, plan),
            found_agreement=evaluation.found_agreement if evaluation is not None else None,
        )

    def prove_channels(self, recipe: Recipe, ctx: JobContext | None = None) -> ChannelProof | None:
        """What the recipe cuts, against the whole model with those channels at zero; None if it cuts nothing.

        Raises:
            Cancelled: somebody asked to stop.
            VerificationError: the pruned model breaks the rules of ONNX.
        """
        bench, ctx = self._bench, ctx or JobContext()
        plan = bench.plan(recipe, ctx.part(0, 0.5))
        return self._proof(bench, recipe, plan, ctx.part(0.5, 1))

    def export_formats(self) -> ExportFormats:
        """What a model can be written as: ONNX by `export`, the formats of plugins by `export_to`."""
        formats = (ExportFormat(found.name, found.summary, found.suffix) for found in self._plugins.exporters())
        problems = tuple(f"plugin {info.name}: {info.error}" for info in self._plugins.infos if info.error)
        return ExportFormats((ONNX_FORMAT, *formats), problems)

    def export_to(
        self,
        recipe: Recipe,
        path: str | Path,
        format_name: str,
        *,
        force: bool = False,
        ctx: JobContext | None = None,
    ) -> FormatReport:
        """Compress, and write in a plugin's format, by its name. Raises PluginError, and what `export_as` does."""
        return self.export_as(self._plugins.exporter(format_name), recipe, path, force=force, ctx=ctx)

    def export_as(
        self,
        exporter: Exporter,
        recipe: Recipe,
        path: str | Path,
        *,
        force: bool = False,
        ctx: JobContext | None = None,
    ) -> FormatReport:
        """Compress, and write in the format of a plugin. The file is not compared with the preview.

        Raises:
            Cancelled: somebody asked to stop; nothing is written, as after an error.
            ExportError: the file cannot be written, or its name ends otherwise than the format's files do.
            RecipeError: the recipe does not fit the model.
        """
        ctx = ctx or JobContext()
        bench, target = self._bench, Path(path)
        check_target(target, force=force, inputs=[bench.model.path, *bench.model.data.external_paths()])
        check_ending(target, exporter.suffix, f"a file for {exporter.name}")
        plan = bench.plan(recipe, ctx.part(0, 0.4, "compressing"))
        data = self._made.build(bench, recipe, ctx.part(0.4, 0.9, "compressing"))
        ctx.checkpoint()
        ctx.progress(0.9, 1, f"writing for {exporter.name}")
        make_whole(target, lambda made: exporter.write(data, made), force=force)
        return FormatReport(
            exporter.name, plan, target, target.stat().st_size, digest_of_file(target), bench.model.info.file_bytes
        )


def _last(reports: Iterator[EvaluationReport]) -> EvaluationReport | None:
    return next(iter(deque(reports, maxlen=1)), None)
