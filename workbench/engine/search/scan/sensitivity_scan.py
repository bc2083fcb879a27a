"""The sensitivity scan: each layer at each setting, one at a time, more complete from one figure to the next."""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from workbench.engine.core.errors import RecipeError, WorkbenchError
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.engine.search.scan.cell_record import CellRecord, record_from_json
from workbench.engine.search.scan.scan_bench import ScanTask, SeenCell
from workbench.engine.search.scan.scan_cells import ScanCells, ScanPlace
from workbench.engine.search.scan.scan_crew import ScanCrew
from workbench.engine.search.scan.scan_samples import DrawnSamples
from workbench.jobs import JobContext

Floats = npt.NDArray[np.float64]
# What is kept of a cell, and of how many samples.
KeptCell = tuple[dict[str, object], int]
_Key = tuple[str, ScanSetting]
_YIELD_S = 0.2
# What a crash may take; writing each cell by itself would take 3 % of a quick scan.
_KEEP_S = 0.5
# Of what is kept in the place of a record.
_ERROR = "error"
# Of a task: few enough for several threads to share the first column, which is the slowest.
_SETTINGS = 3


class CellStore(Protocol):
    """Keeps what was seen of a cell, by the digest of the recipe that gives it."""

    def find(self, recipe_digest: str) -> dict[str, object] | None:
        """What was kept last; None if nothing was."""
        ...

    def keep_all(self, records: Mapping[str, KeptCell]) -> None:
        """Keep them, by digest, in the place of what was seen of fewer samples."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ScanSamples:
    """The samples of a scan, batch by batch, and how right answers to them are.

    Args:
        batches: in the order of their use.
        scores: how right answers are, 0…1, from best classes (N, ≤ 5), agreement (N,) and the samples' indices (N,);
            None where nothing says.
        original: how right the original's are, for samples by their indices (N,).
        classes: the right ones, for samples by their indices (N,); None where labels do not judge.
    """

    batches: tuple[DrawnSamples, ...]
    scores: Callable[[npt.NDArray[np.int64], Floats, npt.NDArray[np.int64]], Floats | None]
    original: Callable[[npt.NDArray[np.int64]], Floats | None]
    classes: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.int64] | None]

    @property
    def count(self) -> int:
        """Of all batches."""
        return sum(len(batch) for batch in self.batches)


def scan_sensitivity(
    cells: ScanCells,
    axes: ScanAxes,
    samples: ScanSamples,
    crew: ScanCrew,
    store: CellStore | None,
    digests: tuple[str, str],
    ctx: JobContext,
) -> Iterator[SensitivityScan]:
    """The scan so far, about five times a second, the last one complete.

    What the store has is not measured again; what is measured is kept there at once.

    Args:
        cells: of the model.
        axes: what is tried.
        samples: to measure on.
        crew: who measures.
        store: of cells; None to remember nothing.
        digests: of the model and of the samples.
        ctx: asked before each task; told the progress.

    Raises:
        Cancelled: somebody asked to stop.
        RunError: the model does not run on the samples.
    """
    scan = _Scan(cells, axes, samples, store, digests)
    yield from scan.run(crew, ctx)


def known_scan(
    cells: ScanCells, axes: ScanAxes, store: CellStore, digests: tuple[str, str], ctx: JobContext
) -> SensitivityScan:
    """What the store has of a scan, on however many samples each cell was measured. Raises Cancelled."""
    found = []
    for place in cells.places(ctx):
        stored = None if place.error else store.find(place.recipe.digest)
        if error := place.error or _error_of(stored):
            found.append(ScanCell(place.layer, place.setting, error=error))
        elif (record := _record_of(stored)) is not None:
            found.append(record.cell(place.layer, place.setting))
    return SensitivityScan(
        *digests,
        axes=axes,
        layers=cells.layers,
        cells=tuple(found),
        num_samples=max((cell.num_samples for cell in found), default=0),
        num_resumed=sum(1 for cell in found if not cell.error),
        groups=tuple(cells.groups.items()),
    )


def _error_of(stored: Mapping[str, object] | None) -> str:
    """Why a cell cannot be measured, if that was kept; "" if not."""
    error = (stored or {}).get(_ERROR)
    return error if isinstance(error, str) else ""


def _record_of(stored: Mapping[str, object] | None) -> CellRecord | None:
    """What was kept of a cell; None if nothing was, or it cannot be read."""
    if stored is None:
        return None
    try:
        return record_from_json(stored)
    except (KeyError, TypeError, ValueError):
        return None


class _Scan:
    def __init__(
        self, cells: ScanCells, axes: ScanAxes, samples: ScanSamples, store: CellStore | None, digests: tuple[str, str]
    ) -> None:
        self._cells, self._axes, self._samples, self._store, self._digests = cells, axes, samples, store, digests
        self._records: dict[_Key, CellRecord] = {}
        self._found: dict[_Key, ScanCell] = {}
        self._ends = np.cumsum([len(batch) for batch in samples.batches]).tolist()
        self._num_resumed = 0
        self._start = time.perf_counter()
        self._digest_of: dict[_Key, str] = {}
        # Their figures are made when somebody is to see them.
        self._changed: set[_Key] = set()
        self._settled: set[_Key] = set()
        self._waiting: dict[_Key, dict[int, CellRecord]] = defaultdict(dict)
        self._unkept: set[_Key] = set()
        # The first ones are kept at once.
        self._kept_at = -math.inf

    def run(self, crew: ScanCrew, ctx: JobContext) -> Iterator[SensitivityScan]:
        places = []
        for place in self._cells.places(ctx):
            key = (place.layer, place.setting)
            if place.error:
                self._found[key] = ScanCell(place.layer, place.setting, error=place.error)
                continue
            self._digest_of[key] = place.recipe.digest
            self._resume(key)
            places.append(place)
        missing = {(place.layer, place.setting): self._missing(place) for place in places}
        total = sum(map(len, missing.values()))
        done = 0
        if self._found or self._changed:
            yield self._scan(is_complete=not total)
        last = time.perf_counter()
        try:
            for task, seen in crew.run(self._tasks(places, missing, ctx), ctx):
                for one in seen:
                    self._add(task.layer, one)
                self._keep()
                done += len(seen)
                ctx.progress(done, total, f"{task.layer} at {task.settings[-1].text}")
                if done < total and time.perf_counter() - last >= _YIELD_S:
                    last = time.perf_counter()
                    yield self._scan(is_complete=False)
        finally:
            self._keep(at_once=True)
        yield self._scan(is_complete=True)

    def _tasks(
        self, places: Sequence[ScanPlace], missing: dict[_Key, tuple[int, ...]], ctx: JobContext
    ) -> Iterator[ScanTask]:
        """Weights first, batch by batch, so that there are early figures of all; then what needs a file of its own."""
        by_layer: dict[str, list[ScanPlace]] = defaultdict(list)
        for place in places:
            if place.is_swap:
                by_layer[place.layer].append(place)
        yield from self._swaps(by_layer, missing)
        for place in places:
            numbers = missing[place.layer, place.setting]
            if place.is_swap or not numbers:
                continue
            ctx.checkpoint()
            try:
                file = self._cells.file(place, ctx)
            except WorkbenchError as error:
                self._found[place.layer, place.setting] = ScanCell(place.layer, place.setting, error=str(error))
                if self._store is not None and isinstance(error, RecipeError):
                    # It will be so again: who looks what is known need not plan it to see that nothing is missing.
                    self._store.keep_all({place.recipe.digest: ({_ERROR: str(error)}, 0)})
                continue
            yield ScanTask(place.layer, (place.setting,), numbers, file)

    def _swaps(self, by_layer: dict[str, list[ScanPlace]], missing: dict[_Key, tuple[int, ...]]) -> Iterator[ScanTask]:
        for number in range(len(self._samples.batches)):
            for layer, places in by_layer.items():
                settings = [place.setting for place in places if number in missing[layer, place.setting]]
                for start in range(0, len(settings), _SETTINGS):
                    yield ScanTask(layer, tuple(settings[start : start + _SETTINGS]), (number,))

    def _resume(self, key: _Key) -> None:
        record = None if self._store is None else _record_of(self._store.find(self._digest_of[key]))
        if record is None:
            return
        wanted = np.concatenate([batch.indices for batch in self._samples.batches])
        weights = np.concatenate([batch.weights for batch in self._samples.batches]).astype(np.float32)
        same = min(len(wanted), len(record.samples))
        goes_on = np.array_equal(record.samples[:same], wanted[:same]) and np.allclose(
            record.weights[:same], weights[:same]
        )
        whole = [end for end in self._ends if end <= same]
        if len(record.samples) >= len(wanted):
            # Measured on as many samples or more, whichever they were.
            self._settled.add(key)
            self._found[key] = record.cell(*key)
        elif goes_on and whole:
            self._records[key] = record.first(whole[-1])
            self._changed.add(key)
        else:
            return
        self._num_resumed += 1

    def _missing(self, place: ScanPlace) -> tuple[int, ...]:
        key = (place.layer, place.setting)
        return () if key in self._settled else tuple(range(self._num_batches(key), len(self._ends)))

    def _add(self, layer: str, seen: SeenCell) -> None:
        key = (layer, seen.setting)
        if seen.error:
            self._found[key] = ScanCell(layer, seen.setting, error=seen.error)
            return
        drawn = self._samples.batches[seen.batch]
        scores = self._samples.scores(seen.best, seen.agreement, drawn.indices)
        more = CellRecord(
            drawn.indices, drawn.weights, seen.divergence, seen.noise, seen.signal, scores,
            self._samples.original(drawn.indices), seen.soft_drop,
        )  # fmt: skip
        # Of two batches that are measured side by side, the second may be done first.
        waiting = self._waiting[key]
        waiting[seen.batch] = more
        while (following := self._num_batches(key)) in waiting:
            more = waiting.pop(following)
            self._records[key] = self._records[key].with_more(more) if key in self._records else more
        if key in self._records:
            self._changed.add(key)
            if self._is_to_be_kept(key):
                self._unkept.add(key)

    def _keep(self, *, at_once: bool = False) -> None:
        if self._store is None or not self._unkept or (not at_once and time.monotonic() - self._kept_at < _KEEP_S):
            return
        records = {self._digest_of[key]: self._records[key] for key in self._unkept}
        self._store.keep_all({digest: (record.to_json(), len(record.samples)) for digest, record in records.items()})
        self._unkept.clear()
        self._kept_at = time.monotonic()

    def _is_to_be_kept(self, key: _Key) -> bool:
        """A record is kept whole, so not after each of many batches: after 1, 2, 4, 8 … of them, and after the last."""
        number = self._num_batches(key)
        return number == len(self._ends) or number & (number - 1) == 0

    def _num_batches(self, key: _Key) -> int:
        """How many batches a cell's record holds."""
        record = self._records.get(key)
        return 0 if record is None else self._ends.index(len(record.samples)) + 1

    def _scan(self, *, is_complete: bool) -> SensitivityScan:
        for key in self._changed:
            self._found[key] = self._records[key].cell(*key)
        self._changed.clear()
        return SensitivityScan(
            *self._digests,
            axes=self._axes,
            layers=self._cells.layers,
            cells=tuple(self._found.values()),
            num_samples=self._samples.count,
            seconds=time.perf_counter() - self._start,
            num_resumed=self._num_resumed,
            is_complete=is_complete,
            groups=tuple(self._cells.groups.items()),
        )
