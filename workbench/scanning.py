"""A scan of what lies on the bench: its samples, its crew, and the store that keeps every cell from day to day."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import psutil

from workbench.bench import Bench
from workbench.engine.core.digest import digest_of_json
from workbench.engine.core.errors import ModelError, ProjectError
from workbench.engine.core.recipe import Calibration
from workbench.engine.core.sensitivity import ScanAxes, SensitivityScan
from workbench.engine.evaluate.judge import choose_metric
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.graph.save import serialize
from workbench.engine.search.scan.scan_bench import ScanBench
from workbench.engine.search.scan.scan_cells import ScanCells
from workbench.engine.search.scan.scan_cluster import ClusterCrew
from workbench.engine.search.scan.scan_crew import ScanCrew, ThreadCrew
from workbench.engine.search.scan.scan_pool import EARLY_SAMPLES, ScanPool
from workbench.engine.search.scan.scan_processes import ProcessCrew
from workbench.engine.search.scan.scan_source import SamplesAt, ScanSource
from workbench.engine.search.scan.sensitivity_scan import KeptCell, ScanSamples, known_scan, scan_sensitivity
from workbench.jobs import JobContext
from workbench.project.measurement_store import MeasurementKey, MeasurementStore
from workbench.project.tool_version import tool_version

_log = logging.getLogger(__name__)

DEFAULT_SAMPLES = 64
_KIND = "sensitivity"
# Of the progress: making the samples ready, and the early figures of all cells.
_PREPARING, _EARLY_SHARE = 0.02, 0.25


class StoredCells:
    """Cells of one model on one data set, in the store of all measurements; a store that fails is done without.

    Args:
        store: of all measurements; None to remember them for this scan only.
        bench: has the model and the samples.
    """

    def __init__(self, store: MeasurementStore | None, bench: Bench) -> None:
        self._store = store
        self._seen: dict[str, dict[str, object]] = {}
        self._ranges = bench.ranges_digest
        self._digests = bench.model.info.digest, bench.samples.info.digest

    def find(self, recipe_digest: str) -> dict[str, object] | None:
        """What was kept last."""
        if recipe_digest in self._seen or self._store is None:
            return self._seen.get(recipe_digest)
        try:
            found = self._store.find(self._key(recipe_digest))
        except ProjectError as error:
            self._give_up(error)
            return None
        if found is not None:
            self._seen[recipe_digest] = found
        return found

    def keep_all(self, records: Mapping[str, KeptCell]) -> None:
        """Keep them for this scan, and in the store."""
        self._seen |= {digest: record for digest, (record, _) in records.items()}
        if self._store is None:
            return
        try:
            self._store.keep_all((self._key(digest), record, count) for digest, (record, count) in records.items())
        except ProjectError as error:
            self._give_up(error)

    def _key(self, recipe_digest: str) -> MeasurementKey:
        # What ranges are set on is no device, but the same cell has other figures with others.
        return MeasurementKey(_KIND, *self._digests, recipe_digest, self._ranges, tool_version())

    def _give_up(self, error: ProjectError) -> None:
        _log.warning("cells of the scan are not kept: %s", error)
        self._store = None


class Scanning:
    """What every scan of one bench has in common.

    Args:
        bench: has the model and the samples.
        answers: the original's.
        store: of all measurements; None to remember nothing.

    Raises:
        DataError: there are no samples.
    """

    def __init__(self, bench: Bench, answers: ReferenceAnswers, store: MeasurementStore | None) -> None:
        self._bench, self._cells_store = bench, StoredCells(store, bench)
        dataset = bench.samples
        metric = choose_metric(dataset.info.preprocessing.metric, dataset, bench.model.info.outputs[0])
        self._pool = ScanPool(dataset, answers, metric)

    def run(
        self,
        axes: ScanAxes,
        count: int,
        ctx: JobContext,
        *,
        early: bool = False,
        workers: int = 0,
        cluster: str | None = None,
    ) -> Iterator[SensitivityScan]:
        """The scan, more complete from one to the next.

        Args:
            axes: what is tried.
            count: samples that each cell is measured on.
            ctx: asked before each cell; told the progress.
            early: whether each cell is first measured on a quarter of the samples, for somebody who watches.
            workers: processes that measure; 0 for threads of this one.
            cluster: address of a Dask scheduler whose workers measure instead.

        Raises:
            Cancelled: somebody asked to stop.
            ModelError: no layer's weights can be changed.
            RunError: the model does not run on the samples.
        """
        bench, store, cells, digests = self._bench, self._cells_store, self._cells(axes), self._digests
        known = self._known(cells, axes, ctx)
        wanted = min(count, len(bench.samples))
        if known.has_all(wanted):
            # Not even the original need be run.
            yield replace(known, num_samples=wanted, is_complete=True)
            return
        drawn: list[ScanSamples] = []
        measuring = ScanBench(
            bench.compressor,
            axes,
            cells.swappable,
            lambda number: bench.samples.batch(drawn[-1].batches[number].indices, ctx.checkpoint),
            lambda number: drawn[-1].classes(drawn[-1].batches[number].indices),
            threads=1,
        )
        size = measuring.largest_batch(bench.samples.batch([0]))
        steps = [_EARLY_SHARE] if early and min(count, len(bench.samples)) > EARLY_SAMPLES else []
        done = 0.0
        for share in (*steps, 1.0):
            part = ctx.part(done, share)
            drawn.append(self._pool.samples(count, size, part.part(0, _PREPARING), early_alone=share < 1))
            if workers or cluster:
                crew = self._crew(axes, cells, drawn[-1], workers, cluster)
            else:
                crew = ThreadCrew(measuring, psutil.cpu_count(logical=False) or 1)
            scans = scan_sensitivity(cells, axes, drawn[-1], crew, store, digests, part.part(_PREPARING, 1))
            ranges = bench.ranges_digest
            yield from (
                replace(scan, is_complete=scan.is_complete and share == 1, ranges_digest=ranges) for scan in scans
            )
            done = share

    def known(self, axes: ScanAxes, ctx: JobContext) -> SensitivityScan:
        """What the store has of such a scan; nothing is measured. Raises Cancelled, and ModelError as `run` does."""
        return self._known(self._cells(axes), axes, ctx)

    def _known(self, cells: ScanCells, axes: ScanAxes, ctx: JobContext) -> SensitivityScan:
        found = known_scan(cells, axes, self._cells_store, self._digests, ctx)
        return replace(found, ranges_digest=self._bench.ranges_digest)

    def _cells(self, axes: ScanAxes) -> ScanCells:
        cells = ScanCells(self._bench.compressor, axes, self._bench.calibration_set(Calibration()))
        if not cells.layers:
            # What stands in the way is the same in most files for all layers: they are quantized already.
            reasons = Counter(layer.reason for layer in self._bench.model.info.layers if layer.reason)
            why = f" ({reasons.most_common(1)[0][0]})" if reasons else ""
            hint = "take the float model" if reasons else "take one with Conv, Gemm or MatMul and constant weights"
            raise ModelError(f"{self._bench.model.path}: has no layer whose weights can be changed{why}", hint)
        return cells

    @property
    def _digests(self) -> tuple[str, str]:
        return self._bench.model.info.digest, self._bench.samples.info.digest

    def _crew(
        self, axes: ScanAxes, cells: ScanCells, samples: ScanSamples, workers: int, cluster: str | None
    ) -> ScanCrew:
        """Processes of this computer, which read the files themselves, or a cluster, to which everything is sent."""
        bench, info = self._bench, self._bench.samples.info
        batches = tuple(batch.indices for batch in samples.batches)
        classes = tuple(map(samples.classes, batches))
        token = digest_of_json([bench.model.info.digest, info.digest, repr(axes), [part.tolist() for part in batches]])
        if cluster is None:
            at = SamplesAt(info.path, info.preprocessing, batches)
            return ProcessCrew(ScanSource(token, bench.model.path, axes, cells.swappable, at, classes), workers)
        feeds = tuple(bench.samples.batch(indices) for indices in batches)
        model = serialize(bench.model.to_proto())
        return ClusterCrew(ScanSource(token, model, axes, cells.swappable, feeds, classes), cluster)
