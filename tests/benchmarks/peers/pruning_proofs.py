"""Every criterion at several ratios on one model: proven, valid, and of the numbers that were foreseen."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.benchmarks.peers.pruning_models import PruningModel
from workbench.engine.compress.structure.criterion import Needs
from workbench.engine.compress.structure.known_criteria import OWN_CRITERIA
from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.recipe import Calibration, Prune, Recipe
from workbench.jobs import JobContext
from workbench.session import Session

_RATIOS = (0.25, 0.5, 0.75)
_NUM_ACTIVITY = 8
_SHOWN = 3
_BYTES_OFF = 0.005
# Arguments that change, with their names; of a small file that is more than its share.
_ARGUMENT_BYTES = 400


@dataclass(frozen=True, slots=True)
class ProofOutcome:
    """What came of one model.

    Args:
        count: recipes that were proven.
        worst: largest relative difference of any output.
        worst_at: the recipe that gave it.
        worst_bytes: largest error of the size foreseen, as a share.
        wrong: what was not as foreseen.
        left_out: criteria that were not tried.
        seconds: in all.
    """

    count: int
    worst: float
    worst_at: str
    worst_bytes: float
    wrong: tuple[str, ...]
    left_out: tuple[str, ...]
    seconds: float

    def __str__(self) -> str:
        note = f"; not tried: {', '.join(self.left_out)}" if self.left_out else ""
        more = f" and {len(self.wrong) - _SHOWN} more" if len(self.wrong) > _SHOWN else ""
        wrong = "; ".join(self.wrong[:_SHOWN]) + more or "numbers as foreseen"
        return (
            f"{self.count:>3} proven, worst {self.worst:.1e} ({self.worst_at}), bytes off {self.worst_bytes:.2%}, "
            f"{wrong}, {self.seconds:.0f} s{note}"
        )


def prove_all(session: Session, model: PruningModel) -> ProofOutcome:
    """Prove every criterion that the model has samples for."""
    start = time.perf_counter()
    has_samples = session._bench.dataset is not None
    left_out = []
    differences, bytes_off, wrong = {}, [0.0], []
    for criterion in OWN_CRITERIA:
        is_slow = criterion.needs is Needs.GRADIENTS and not model.num_gradients
        if (criterion.needs is not Needs.WEIGHTS and not has_samples) or is_slow:
            left_out.append(criterion.name)
            continue
        num = model.num_gradients if criterion.needs is Needs.GRADIENTS else _NUM_ACTIVITY
        for ratio in _RATIOS:
            recipe = _recipe(criterion.name, ratio, num)
            try:
                proof = session.prove_channels(recipe)
            except WorkbenchError as error:
                wrong.append(f"{criterion.name} {ratio}: {error}")
                continue
            if proof is None:
                wrong.append(f"{criterion.name} {ratio}: nothing goes")
                continue
            differences[f"{criterion.name} {ratio}"] = proof.max_relative_difference
            off = []
            wrong += [f"{criterion.name} {ratio}: {text}" for text in _unforeseen(session, recipe, off)]
            bytes_off += off
    worst = max(differences, key=lambda key: differences[key], default="")
    return ProofOutcome(
        len(differences), differences.get(worst, 0.0), worst, max(bytes_off), tuple(wrong), tuple(left_out),
        time.perf_counter() - start,
    )  # fmt: skip


def _recipe(criterion: str, ratio: float, num_samples: int) -> Recipe:
    recipe = Recipe(calibration=Calibration(samples=num_samples))
    for kind in ("filters", "neurons"):
        recipe = recipe.with_rule("*", prune=Prune(kind, ratio=ratio, criterion=criterion))
    return recipe


def _unforeseen(session: Session, recipe: Recipe, off: list[float]) -> Iterator[str]:
    """Where the model that is cut has other numbers than were reckoned."""
    bench, channels = session._bench, session.channels()
    plan = bench.plan(recipe)
    left = bench.compressor.without_channels(plan.groups, bench.calibration_set(recipe.calibration), JobContext())
    kept = {group.group: group.kept for group in plan.groups}
    shares = channels.layer_shares(kept)
    for layer in bench.model.info.layers:
        after = left.model.info.layer(layer.name)
        if abs(after.num_weights - layer.num_weights * shares[layer.name]) > 1e-6 * layer.num_weights:
            yield f"{layer.name} keeps {after.num_weights} weights, not {layer.num_weights * shares[layer.name]:.1f}"
        if layer.macs is not None and abs((after.macs or 0) - layer.macs * shares[layer.name]) > 1e-6 * layer.macs:
            yield f"{layer.name} has {after.macs} multiply-adds, not {layer.macs * shares[layer.name]:.1f}"
    found, foreseen = left.model.info.file_bytes, channels.file_bytes(kept)
    off.append(abs(foreseen - found) / found)
    if abs(foreseen - found) > max(_BYTES_OFF * found, _ARGUMENT_BYTES):
        yield f"the file has {found:,} bytes, not {foreseen:,}"
