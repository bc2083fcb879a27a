"""What has been measured of the open model, by recipe: in memory first, then in the store of all models."""

import logging
from collections.abc import Mapping
from dataclasses import replace

from workbench.engine.core.errors import ProjectError
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import EvaluationReport, LatencyReport
from workbench.project.measurement_store import MeasurementKey, MeasurementStore
from workbench.project.report_json import (
    evaluation_from_json,
    evaluation_to_json,
    latency_from_json,
    latency_to_json,
)
from workbench.project.tool_version import tool_version

_log = logging.getLogger(__name__)

# Another word than that of programs that timed the original at another moment, which compared the load with it.
_LATENCY = "latency by turns"


class KnownFigures:
    """Evaluations, exact sizes and latencies. A figure of more samples is never replaced by one of fewer.

    Args:
        store: asked for what is not in memory, and given what is final; None to remember nothing.
    """

    def __init__(self, store: MeasurementStore | None = None) -> None:
        self._store = store
        self._model_digest = self._data_digest = self._ranges_digest = self._device = ""
        self._evaluations: dict[str, EvaluationReport] = {}
        self._latencies: dict[str, LatencyReport] = {}
        self._sizes: dict[str, int] = {}
        self.seconds_per_sample: float | None = None

    @property
    def evaluations(self) -> tuple[EvaluationReport, ...]:
        """All that are known of these samples."""
        return tuple(self._evaluations.values())

    @property
    def sizes(self) -> dict[str, int]:
        """Exact bytes by recipe digest."""
        return dict(self._sizes)

    def begin_model(self, model_digest: str) -> None:
        """From now on of this model, and of no samples yet."""
        self._model_digest = model_digest
        self._latencies.clear()
        self._sizes.clear()
        self._ranges_digest = ""
        self.begin_data("")

    def begin_data(self, data_digest: str) -> None:
        """From now on of these samples."""
        self._data_digest = data_digest
        self._evaluations.clear()
        self.seconds_per_sample = None

    def begin_ranges(self, digest: str) -> None:
        """From now on ranges are set on these samples: with others the same recipe gives another file."""
        if digest == self._ranges_digest:
            return
        self._ranges_digest = digest
        known: tuple[dict[str, object], ...] = (self._evaluations, self._latencies, self._sizes)  # type: ignore[assignment] # only keys are looked at
        for figures in known:
            for recipe_digest in [key for key in figures if key != Recipe().digest]:
                del figures[recipe_digest]

    def is_of_these(self, report: EvaluationReport | LatencyReport) -> bool:
        """Whether a report is of this model and these samples: what it comes from may have begun before they were."""
        if isinstance(report, EvaluationReport) and report.dataset_digest != self._data_digest:
            return False
        return report.model_digest == self._model_digest

    def evaluation(self, recipe: Recipe) -> EvaluationReport | None:
        """The evaluation of most samples of what a recipe gives."""
        digest = evaluated_digest(recipe)
        if digest not in self._evaluations and self._data_digest:
            values = self._find(self._evaluation_key(digest))
            if values is not None:
                self._evaluations[digest] = evaluation_from_json(values)
        return self._evaluations.get(digest)

    def add_evaluation(self, report: EvaluationReport) -> EvaluationReport:
        """Take a report in; the one of most samples comes back, with the digest of its recipe filled in."""
        digest = report.recipe_digest or Recipe().digest
        report = replace(report, recipe_digest=digest)
        if report.done:
            self.seconds_per_sample = report.seconds / report.done
        known = self._evaluations.get(digest)
        if known is None or report.done >= known.done:
            self._evaluations[digest] = report
            if report.is_final:
                self.keep_evaluation(digest)
        return self._evaluations[digest]

    def keep_evaluation(self, digest: str) -> None:
        """Put the evaluation of a recipe into the store, final or not."""
        report = self._evaluations.get(digest)
        if report is not None:
            self._keep(self._evaluation_key(digest), evaluation_to_json(report), report.done)

    def size(self, recipe: Recipe) -> int | None:
        """Exact bytes of the file that a recipe gives."""
        digest = recipe.digest
        if digest not in self._sizes and self._model_digest:
            values = self._find(self._key("size", digest))
            size = values.get("bytes") if values is not None else None
            if isinstance(size, int):
                self._sizes[digest] = size
        return self._sizes.get(digest)

    def add_size(self, recipe: Recipe, size: int) -> None:
        """Take an exact size in."""
        self._sizes[recipe.digest] = size
        self._keep(self._key("size", recipe.digest), {"bytes": size})

    def add_known_sizes(self, sizes: Mapping[str, int]) -> None:
        """Take exact sizes in that were computed earlier, by recipe digest."""
        self._sizes |= sizes

    def latency(self, recipe: Recipe) -> LatencyReport | None:
        """The latency of what a recipe gives; from the store once it is known which device this is."""
        digest = recipe.digest
        if digest not in self._latencies and self._device:
            values = self._find(replace(self._key(_LATENCY, digest), device=self._device))
            if values is not None:
                self._latencies[digest] = latency_from_json(values)
        return self._latencies.get(digest)

    def add_latency(self, report: LatencyReport) -> None:
        """Take a latency in."""
        self._device = report.device
        self._latencies[report.recipe_digest] = report
        key = replace(self._key(_LATENCY, report.recipe_digest), device=report.device)
        self._keep(key, latency_to_json(report), report.p50.n)

    def _evaluation_key(self, digest: str) -> MeasurementKey:
        data, ranges = self._data_digest, self._ranges_digest
        is_same = ranges in ("", data) or digest == Recipe().digest
        return replace(self._key("evaluation", digest), dataset_digest=data if is_same else f"{data}+{ranges}")

    def _key(self, kind: str, digest: str) -> MeasurementKey:
        ranges = "" if digest == Recipe().digest else self._ranges_digest
        return MeasurementKey(kind, self._model_digest, ranges, recipe_digest=digest, tool=tool_version())

    def _find(self, key: MeasurementKey) -> dict[str, object] | None:
        if self._store is None:
            return None
        try:
            return self._store.find(key)
        except ProjectError as error:
            self._do_without(error)
            return None

    def _keep(self, key: MeasurementKey, values: dict[str, object], done: int = 1) -> None:
        if self._store is None:
            return
        try:
            self._store.keep(key, values, done)
        except ProjectError as error:
            self._do_without(error)

    def _do_without(self, error: ProjectError) -> None:
        """A store that fails costs measuring again, so it is no matter for the user."""
        _log.warning("%s", error)
        self._store = None


def evaluated_digest(recipe: Recipe) -> str:
    """The digest under which a recipe's evaluation is known: without rules it is the original's."""
    return recipe.digest if recipe.rules else Recipe().digest
