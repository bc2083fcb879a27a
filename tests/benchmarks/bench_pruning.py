"""Channel pruning: accuracy beside Torch-Pruning, time against multiply-adds, reach, and proof, on real models.

Torch-Pruning's own default (MagnitudePruner with GroupMagnitudeImportance, p=2) needs torch; name an interpreter that
has both: `WORKBENCH_PEERS_PYTHON=/…/bin/python make bench`. Without it, its lines say so. Nothing is fine-tuned: what
is compared is the choice of channels. The best of many settings of ours stands beside the best of two of theirs, both
picked by the samples that are shown; the line of the best that looks at no samples is the nearest to like for like.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.peers.magnitude_pruner import (
    MISSING,
    TorchPruningError,
    find_torch_pruning,
    run_torch_pruning,
)
from tests.benchmarks.peers.pruning_models import MODELS, PruningModel, opened
from tests.benchmarks.peers.pruning_proofs import prove_all
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.recipe import Calibration, Prune, Recipe
from workbench.engine.evaluate.intervals import wilson_interval
from workbench.engine.graph.model import load_model
from workbench.jobs import JobContext
from workbench.session import Session

_RESNET = "cifar10/resnet20_cifar10_opset13.onnx"
_CHECKPOINT = "cifar10/resnet20-12fca82f.th"
_TEST, _TRAIN = "cifar10/cifar10_test_jpeg_A_subset.npz", "cifar10/cifar10_train_jpeg_2000.zip"
_NORMALIZED = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
_HALF = 0.5
_CRITERIA = ("l1", "l2", "geometric_median", "activation_magnitude", "apoz", "taylor", "random")
_WITHOUT_SAMPLES = ("l1", "l2", "geometric_median")
_SCOPES = ("layer", "global", "lamp", "erk")
# What Torch-Pruning can follow of this network.
_INNER = tuple(f"layer{stage}.{block}.conv1" for stage in (1, 2, 3) for block in range(3))
_SEARCH_STEPS = 9

_TIMED = (
    _RESNET, "cifar10/resnet56_cifar10_opset13.onnx", "imagenet_sample/squeezenet1.1_rgb224.onnx",
    "imagenet_sample/mobilenet_v1_0_5_224.float.onnx",
)  # fmt: skip
_MEASUREMENTS = 7
_LEAST_GAIN = 0.7

# They take minutes: no alarm that prints where a test is that seems to hang.
pytestmark = pytest.mark.usefixtures("no_alarm")


@pytest.mark.bench
def test_accuracy_at_half_the_multiply_adds_beside_torch_pruning(models: Path, show):
    session = Session()
    session.open_model(models / _RESNET)
    session.open_data(models / _TEST, _NORMALIZED)
    session.open_calibration(models / _TRAIN, _NORMALIZED)
    show(
        f"\nResNet-20 at half its multiply-adds, not fine-tuned; calibration on {_samples().samples} training images"
        f"\n{'layers':<8}{'by':<46}{'MACs':>7} {'top-1, %':>9} {'95 %':<15}{'seconds':>8}"
    )

    ours = []
    for layers, select in (("inner", _INNER), ("all", ("*",))):
        for criterion, scope in ((criterion, scope) for criterion in _CRITERIA for scope in _SCOPES):
            start = time.perf_counter()
            recipe, share = _at_share(session, select, criterion, scope)
            seconds = time.perf_counter() - start
            *_, report = session.evaluate(recipe)
            figure = report.figure
            ours.append((figure.value, f"{criterion}, {scope}, {layers}"))
            show(_row(layers, f"{criterion}, {scope}", share, (figure.value, figure.low, figure.high), seconds))
    best, name = max(ours)
    show(f"best of ours: {100 * best:.2f} % by {name}")
    # Theirs looks at no samples either.
    blind, blind_name = max(one for one in ours if one[1].partition(",")[0] in _WITHOUT_SAMPLES)
    show(f"best of ours that looks at no samples: {100 * blind:.2f} % by {blind_name}")

    theirs = list(_theirs(session, models, show))
    assert all(best >= accuracy for accuracy in theirs)


def _samples() -> Calibration:
    return Calibration(samples=64)


def _recipe(select: tuple[str, ...], criterion: str, scope: str, ratio: float) -> Recipe:
    prune = Prune("filters", ratio=ratio, criterion=criterion, scope=scope)
    return Recipe(calibration=_samples()).with_rule(select, prune=prune)


def _at_share(session: Session, select: tuple[str, ...], criterion: str, scope: str) -> tuple[Recipe, float]:
    """The recipe of the least ratio that leaves half of the multiply-adds, and the share that it leaves."""
    channels, layers = session.channels(), session._bench.model.info.layers
    whole = sum(layer.macs or 0 for layer in layers)
    low, high, found = 0.0, 0.95, None
    for _ in range(_SEARCH_STEPS):
        ratio = (low + high) / 2
        recipe = _recipe(select, criterion, scope, ratio)
        shares = channels.layer_shares({plan.group: plan.kept for plan in session.plan(recipe).groups})
        share = sum((layer.macs or 0) * shares[layer.name] for layer in layers) / whole
        if share <= _HALF:
            high, found = ratio, (recipe, share)
        else:
            low = ratio
    assert found is not None
    # What samples choose is found here, so that it is timed.
    session.preview_bytes(found[0])
    return found


def _theirs(session: Session, models: Path, show: Callable[[str], None]) -> Iterator[float]:
    python = find_torch_pruning()
    if python is None:
        show(f"{'inner':<8}Torch-Pruning: {MISSING}")
        return
    dataset = session._bench.samples
    samples = np.concatenate([next(iter(dataset.batch([place]).values())) for place in range(len(dataset))])
    labels = np.asarray(dataset.labels)
    try:
        whole, settings = run_torch_pruning(python, models / _CHECKPOINT, samples.astype(np.float32), _HALF)
    except TorchPruningError as error:
        show(f"{'inner':<8}Torch-Pruning fails: {error}")
        return
    *_, report = session.evaluate()
    # The checkpoint is the model that the file was exported from.
    assert abs(float(np.mean(whole == labels)) - report.figure.value) <= 0.002
    for setting in settings:
        right = int(np.sum(setting.answers == labels))
        figures = (right / len(labels), *wilson_interval(right, len(labels)))
        show(_row("inner", setting.name, setting.share, figures, setting.seconds))
        yield figures[0]


def _row(layers: str, name: str, share: float, figures: tuple[float, float, float], seconds: float) -> str:
    value, low, high = (100 * figure for figure in figures)
    return f"{layers:<8}{name:<46}{share:>7.3f} {value:>9.2f} {f'[{low:.1f}, {high:.1f}]':<15}{seconds:>8.1f}"


@pytest.mark.bench
def test_time_falls_with_the_multiply_adds(models: Path, show):
    show("\ngain: (1 − time ratio) / (1 − MACs ratio)")
    show(f"{'model':<28}{'ratio':>6}{'ms before':>11}{'after':>8}{'time':>7}{'MACs':>7}{'gain':>7}")
    gains = []
    for name in _TIMED:
        session = Session()
        info = session.open_model(models / name)
        for ratio in (0.25, 0.5):
            recipe = Recipe().with_rule("*", prune=Prune("filters", ratio=ratio, multiple_of=8))
            left = session._bench.compressor.without_channels(session.plan(recipe).groups, None, JobContext())
            # A measurement takes a second or two, and whatever else the computer does then; the middle one counts.
            reports = [session.measure_latency(recipe) for _ in range(_MEASUREMENTS)]
            times, before, after = (
                statistics.median(figure(report).value for report in reports)
                for figure in (lambda one: one.ratio, lambda one: one.original, lambda one: one.p50)
            )
            share = left.model.info.macs / info.macs
            gain = (1 - times) / (1 - share)
            gains.append((name, ratio, gain))
            show(
                f"{Path(name).stem[:27]:<28}{ratio:>6.2f}{before:>11.2f}{after:>8.2f}{times:>7.2f}{share:>7.2f}{gain:>7.2f}"
            )

    assert all(gain >= _LEAST_GAIN for _, _, gain in gains), [one for one in gains if one[2] < _LEAST_GAIN]


@pytest.mark.bench
def test_what_can_be_reached(models: Path, show):
    show(f"\n{'model':<34}{'reach':>7}{'groups':>8}{'free':>6}{'of them':>9}  {'seconds':>7}  exact")
    for model in MODELS:
        path = models / model.path
        if not path.is_file():
            show(f"{model.title:<34} is not there")
            continue
        bench = Compressor(load_model(path))
        start = time.perf_counter()
        channels = bench.pruning.channels
        seconds = time.perf_counter() - start
        free = [group for group in channels.groups if group.num_units]
        reached = {tensor.name for tensor in channels.tensors}
        layers = {channels.weights[layer.name]: layer.num_weights for layer in bench.model.info.layers}
        layers.pop("", None)
        share = sum(size for name, size in layers.items() if name in reached) / max(1, sum(layers.values()))
        show(
            f"{model.title:<34}{share:>7.1%}{len(channels.groups):>8}{len(free):>6}"
            f"{sum(group.num_units for group in free):>9}  {seconds:>7.2f}  {'yes' if channels.is_exact else 'no'}"
        )
        assert share >= model.least_reach


@pytest.mark.bench
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.title.replace(" ", "-"))
def test_every_criterion_is_proven(model: PruningModel, models: Path, tmp_path: Path, show):
    if not (models / model.path).is_file():
        pytest.skip(f"needs {model.path}, which is not part of the project")
    session = opened(model, models, tmp_path)

    outcome = prove_all(session, model)

    show(f"{model.title:<34}{outcome}")
    assert outcome.worst <= 1e-4
    assert not outcome.wrong


@pytest.mark.bench
@pytest.mark.parametrize(
    "name", ["cifar10/resnet56_cifar10_opset13.onnx", "stress/light/light_densenet121.onnx"], ids=["resnet56", "dense"]
)
def test_planning_and_cutting_again_and_again(name: str, models: Path, show, stopwatch):
    bench = Compressor(load_model(models / name))
    first = stopwatch(lambda: bench.pruning.channels)
    ratios = (0.21, 0.32, 0.43, 0.54, 0.65)

    def recipes(**rest: object) -> list[Recipe]:
        return [Recipe().with_rule("*", prune=Prune("filters", ratio=ratio, **rest)) for ratio in ratios]

    bench.plan(recipes()[0])
    planning = [stopwatch(lambda recipe=recipe: bench.plan(recipe)) for recipe in recipes()]
    spreading = [stopwatch(lambda recipe=recipe: bench.plan(recipe)) for recipe in recipes(scope="lamp")]
    plans = [bench.plan(recipe) for recipe in recipes()]
    cutting = [stopwatch(lambda plan=plan: bench.pruning.pruned(plan.groups, None, JobContext())) for plan in plans]
    beside = [
        stopwatch(lambda recipe=recipe: bench.plan(recipe))
        for recipe in (replace(one, equalize=True) for one in recipes(multiple_of=2))
    ]
    show(
        f"\n{Path(name).stem}: groups {first:.2f} s once; plan {_ms(planning)}, by lamp {_ms(spreading)}, "
        f"with what needs the weights that are left {_ms(beside)}; cut {_ms(cutting)}"
    )


def _ms(times: list[float]) -> str:
    return f"{1000 * float(np.median(times)):.0f} ms"
