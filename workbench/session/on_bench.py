"""What the verbs of a session share: the bench, and what was made last of it."""

from collections.abc import Iterable
from functools import cached_property

from workbench.bench import Bench
from workbench.engine.compress.structure.criterion import Criterion
from workbench.engine.core.errors import ModelError
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import ChannelProof
from workbench.engine.export.channel_proof import prove_pruning
from workbench.estimating import Estimating
from workbench.jobs import JobContext
from workbench.last_made import LastMade
from workbench.plugin_loader import Plugins, load_plugins
from workbench.project.devices import Devices
from workbench.project.measurement_store import MeasurementStore


class OnBench:
    """What lies on the bench, and what is kept beside it.

    Verbs may be called from several threads. The bench is one value, and what was made last is kept together with
    what it was made of; both are read once, since another thread may put its own in their place at any time.

    Args:
        store: keeps what scans measure; that of all models if not given.
    """

    def __init__(self, *, store: MeasurementStore | None = None) -> None:
        self._given_store = store
        self._on_bench: Bench | None = None
        self._made = LastMade()
        self._devices = Devices()
        self._estimating = Estimating(self._devices)

    def _proof(self, bench: Bench, recipe: Recipe, plan: Plan, ctx: JobContext) -> ChannelProof | None:
        samples = bench.calibration_set(recipe.calibration)
        return prove_pruning(bench.compressor.pruning, plan.groups, samples, bench.dataset, ctx)

    @property
    def _criteria(self) -> Iterable[Criterion]:
        return self._plugins.criteria()

    @cached_property
    def _store(self) -> MeasurementStore:
        return MeasurementStore() if self._given_store is None else self._given_store

    @cached_property
    def _plugins(self) -> Plugins:
        return load_plugins()

    @property
    def _bench(self) -> Bench:
        bench = self._on_bench
        if bench is None:
            raise ModelError("no model is open", "open a model first")
        return bench
