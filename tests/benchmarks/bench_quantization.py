"""Quantization against ONNX Runtime's `quantize_static` and AIMET, on the same samples, in one run.

Every tool gets the same float file and the same calibration samples. A drop is float less quantized accuracy in
points, with its paired 95 % interval. Seconds go from the float file to the quantized model, calibration included.
Ours and ONNX Runtime's run on the integer kernels of this CPU, with what they saturate; the accuracy of AIMET is that
of its float simulator. The ImageNet sample has no other images, so all tools calibrate on some of those that accuracy
is measured on.

AIMET is an extra: `pip install -e '.[peers]'`. It brings torch; to keep that apart, install it into another environment
and name its interpreter: `WORKBENCH_PEERS_PYTHON=/…/bin/python make bench`. Without it, its lines say so.
"""

import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.benchmarks.peers.aimet import METHODS, MISSING, AimetError, AimetResult, find_aimet, run_aimet
from tests.benchmarks.peers.case import Bench, Case, Samples, recipe_of, samples_of
from tests.benchmarks.peers.faces import face_shift
from tests.benchmarks.peers.ours import build_and_export, quantize_with_ours
from tests.benchmarks.peers.outcome import Outcome, OutcomeTable, drop_between
from tests.benchmarks.peers.static_quantizer import quantize_with_onnxruntime, write_quantized
from tests.benchmarks.peers.timing import ratio, times_in_turns
from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.compress.compressor import Compressor
from workbench.engine.core.recipe import FLOAT, ActivationRule, Calibration, WeightRule
from workbench.engine.data.dataset import open_dataset
from workbench.engine.data.sample_batches import sample_batches
from workbench.engine.graph.model import load_model
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import JobContext

_RESNET = Bench(
    "resnet20", "cifar10/resnet20_cifar10_opset13.onnx",
    "cifar10/cifar10_test_jpeg_halfA.zip", "cifar10/cifar10_train_jpeg_2000.zip",
)  # fmt: skip
_IMAGENET = "imagenet_sample/imagenet_sample_even500_224.zip"
_MOBILENET = Bench("mobilenet 0.25", "imagenet_sample/mobilenet_v1_0_25_224.float.onnx", _IMAGENET)
_SQUEEZENET = Bench("squeezenet 1.1", "imagenet_sample/squeezenet1.1_rgb224.onnx", _IMAGENET)
_FASHION = ("fashion_mnist/fmnist_test_even5000.npz", "fashion_mnist/fmnist_train_10000.npz")
_SHUFFLE = Bench("fmnist shuffle", "fashion_mnist/fmnist_shuf_legacy.onnx", *_FASHION)
_VIT = Bench("fmnist ViT", "fashion_mnist/fmnist_vit_legacy.onnx", *_FASHION)
_FACES = Bench("ultraface", "ultraface/version-RFB-320.onnx", "ultraface/ultraface_20img_320x240.npz")

_FEW = 128
# AIMET's slow methods on the small network alone: they take minutes there.
_CASES = [
    Case(_RESNET, "W8A8", 8, 0.2),
    Case(_RESNET, "W4A8", 4, 0.2, aimet=("minmax", "adaround")),
    Case(_RESNET, "W3A8", 3, 2.0, aimet=("minmax", "adaround", "sequential_mse")),
    Case(_RESNET, "W2A8", 2, 8.0, aimet=("minmax", "adaround", "sequential_mse")),
    Case(_MOBILENET, "W8A8 per channel", 8, 0.8, num_calibration=_FEW),
    Case(_MOBILENET, "W8A8 per tensor", 8, 3.0, per_channel=False, num_calibration=_FEW),
    Case(_SQUEEZENET, "W8A8", 8, 0.3, num_calibration=_FEW),
    Case(_SQUEEZENET, "W4A8", 4, 2.0, num_calibration=_FEW),
    Case(_SHUFFLE, "W8A8", 8, 0.3),
    Case(_VIT, "W8A8", 8, 0.3),
]
_CALIBRATED = [Case(_RESNET, "W8A8", 8, 0.2), Case(_MOBILENET, "W8A8", 8, 0.8, num_calibration=_FEW)]
_CASE_OF_FACES = Case(_FACES, "W8A8", 8, 0.0)
# The first blocks, which the session's suggestion puts first, and the heads whose outputs are the boxes.
_SENSITIVE = ("base_net.[0-5].*", "regression_headers.*")
_CALIBRATION_ROUNDS = 7
_SPEED_ROUNDS, _SPEED_RUNS = 30, 5
_CHANNELS, _SIDE = 256, 28

# They take minutes: no alarm that prints where a test is that seems to hang.
pytestmark = pytest.mark.usefixtures("no_alarm")


@pytest.fixture(scope="module")
def header_shown() -> set[str]:
    """Holds something once the table's header has been printed."""
    return set()


@pytest.mark.bench
@pytest.mark.parametrize("case", _CASES, ids=lambda case: case.title)
def test_accuracy_beside_the_peers(case: Case, models: Path, tmp_path: Path, show, header_shown):
    samples = samples_of(case, models)

    ours, reference = quantize_with_ours(samples, case.recipe, tmp_path / "ours.onnx")
    peers = [*quantize_with_onnxruntime(case, samples, tmp_path), *_outcomes_of_aimet(case, samples)]

    table = OutcomeTable(show, header_shown)
    table.add(case.bench.name, case.setting, reference, case.reach, [ours, *peers])
    learned = next((peer for peer in peers if peer.tool == METHODS["adaround"] and peer.seconds), None)
    if learned is not None and ours.seconds and learned.seconds:
        show(f"    learned rounding takes {ours.seconds / learned.seconds:.2f}× the time of AIMET's AdaRound")


@pytest.mark.bench
def test_faces_beside_the_peers(models: Path, tmp_path: Path, show):
    samples = _without_names(samples_of(_CASE_OF_FACES, models), tmp_path)
    images = samples.dataset.batch(range(len(samples.dataset)))
    reference = _scores_and_boxes(samples.model, images)
    show("\nultraface W8A8, no labels; to reach: score cosine ≥ 0.999, box shift ≤ 1 px")

    whole = _CASE_OF_FACES.recipe
    in_float = {"weights": WeightRule(bits=FLOAT), "activations": ActivationRule(bits=FLOAT)}
    recipes = {"ours": whole, "ours, sensitive layers in float": whole.with_rule(_SENSITIVE, **in_float)}
    for number, (tool, recipe) in enumerate(recipes.items()):
        path = tmp_path / f"ours{number}.onnx"
        seconds, report = build_and_export(samples, recipe, path)
        shift = face_shift(reference, _scores_and_boxes(path, images))
        show(f"    {tool:<32}{shift}  {seconds:.1f} s  {report.after.file_bytes:,} bytes")
    for reduced in (False, True):
        path = tmp_path / f"onnxruntime{reduced:d}.onnx"
        start = time.perf_counter()
        write_quantized(samples.model, path, samples.calibration_batches(), reduce_range=reduced)
        seconds = time.perf_counter() - start
        shift = face_shift(reference, _scores_and_boxes(path, images))
        tool = "onnxruntime, reduce_range" if reduced else "onnxruntime"
        show(f"    {tool:<32}{shift}  {seconds:.1f} s  {path.stat().st_size:,} bytes")
    found = _try_aimet(_CASE_OF_FACES, samples, "minmax")
    if isinstance(found, AimetResult):
        # Its outputs have names of its own, in the model's order.
        scores, boxes = found.outputs.values()
        shift = face_shift(reference, (scores, boxes))
        show(f"    {METHODS['minmax']:<32}{shift}  {found.seconds:.1f} s")
    else:
        show(f"    {METHODS['minmax']:<32}{found}")


@pytest.mark.bench
@pytest.mark.parametrize("limits_alone", [True, False], ids=["minmax", "histograms"])
@pytest.mark.parametrize("case", _CALIBRATED, ids=lambda case: case.title)
def test_calibration_against_plain_forward_passes(case: Case, limits_alone: bool, models: Path, show):
    samples = samples_of(case, models)
    dataset = open_dataset(samples.calibration, samples.settings, RuntimeSession(samples.model).inputs)
    chosen = CalibrationSet(dataset, Calibration(case.num_calibration))
    ctx = JobContext()

    def calibrate() -> None:
        # A new one each time, since what is known of a tensor is kept. Preparing it is not timed.
        graph, tensors = fresh.pop()
        graph.statistics(tensors.roots, chosen, ctx, limits_alone=limits_alone)

    def forward() -> None:
        session = RuntimeSession(samples.model)
        for indices, feeds in sample_batches(dataset, chosen.indices, ctx):
            session.run_samples(feeds, len(indices), ctx)

    fresh = [_prepared(samples.model, case) for _ in range(_CALIBRATION_ROUNDS + 1)]
    times = times_in_turns({"calibration": calibrate, "forward": forward}, rounds=_CALIBRATION_ROUNDS)

    show(
        f"\ncalibration of {case.bench.name} on {len(chosen.indices)} samples "
        f"{'for min-max' if limits_alone else 'for every method'}, over the plain forward passes: "
        f"{ratio(times['calibration'], times['forward'])} (target at most 1.30×)"
    )


@pytest.mark.bench
def test_speed_of_four_bit_weights(tmp_path: Path, show):
    samples = _write_convolution(tmp_path)
    build_and_export(samples, recipe_of("{bits: 4}", num_calibration=_FEW), tmp_path / "ours.onnx")
    write_quantized(samples.model, tmp_path / "int8.onnx", samples.calibration_batches())
    write_quantized(samples.model, tmp_path / "int4.onnx", samples.calibration_batches(), weight_bits=4)
    # One thread each: on few cores the threads of several sessions would wait for one another.
    sessions = {name: RuntimeSession(tmp_path / f"{name}.onnx", threads=1) for name in ("ours", "int8", "int4")}
    feeds = samples.dataset.batch([0])
    works = {name: (lambda session=session: session.run(feeds)) for name, session in sessions.items()}

    times = times_in_turns(works, rounds=_SPEED_ROUNDS, runs=_SPEED_RUNS)

    show(f"\nW4A8 of a 3×3 convolution {_CHANNELS}→{_CHANNELS} at {_SIDE}×{_SIDE}, batch 1, one thread")
    for name, title in (("ours", "packed 4-bit weights"), ("int8", "int8 Q/DQ"), ("int4", "INT4 container")):
        size = (tmp_path / f"{name}.onnx").stat().st_size
        show(f"    {title:<22} {1000 * float(np.median(times[name])):7.2f} ms  {size:>9,} bytes")
    show(f"    speed against int8 Q/DQ        {ratio(times['int8'], times['ours'])} (target at least 0.95×)")
    show(f"    speed against INT4 container   {ratio(times['int4'], times['ours'])} (target at least 3×)")


def _outcomes_of_aimet(case: Case, samples: Samples) -> list[Outcome]:
    dataset = samples.dataset
    assert dataset.labels is not None
    labels = dataset.labels + dataset.info.preprocessing.labels_offset
    session = RuntimeSession(samples.model)
    outcomes, reference = [], None
    for method in case.aimet:
        found = _try_aimet(case, samples, method)
        if isinstance(found, str):
            outcomes.append(Outcome(METHODS[method], note=found))
            continue
        if reference is None:
            reference = np.concatenate([
                session.run_samples(feeds, len(indices))[0].reshape(len(indices), -1).argmax(1)
                for indices, feeds in sample_batches(dataset, np.arange(len(dataset)), JobContext())
            ]) == labels  # fmt: skip
        logits = next(iter(found.outputs.values()))
        is_right = logits.reshape(len(labels), -1).argmax(1) == labels
        drop = drop_between(reference, is_right)
        outcomes.append(Outcome(METHODS[method], float(is_right.mean()), drop, found.seconds, found.size_bytes))
    return outcomes


def _try_aimet(case: Case, samples: Samples, method: str) -> AimetResult | str:
    """What AIMET gives, or why it gives nothing."""
    python = find_aimet()
    if python is None:
        return MISSING
    try:
        return run_aimet(python, samples, bits=case.weight_bits, per_channel=case.per_channel, method=method)
    except AimetError as error:
        return f"fails: {error}"


def _prepared(model: Path, case: Case):
    compressor = Compressor(load_model(model))
    plan = compressor.plan(case.recipe, has_samples=True)
    graph = compressor.quantizer.graph(plan)
    return graph, graph.integer_tensors(plan)


def _without_names(samples: Samples, folder: Path) -> Samples:
    """The images alone: beside them the file holds texts, which are no samples."""
    path = folder / "images.npz"
    with np.load(samples.data) as stored:
        np.savez(path, x=stored["x"])
    return Samples(samples.model, path, path, samples.settings, samples.num_calibration)


def _scores_and_boxes(model: Path, images: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    session = RuntimeSession(model)
    scores, boxes = session.run_samples(images, len(next(iter(images.values()))))
    return scores, boxes


def _write_convolution(folder: Path) -> Samples:
    """One convolution with its Relu, and inputs like those that another Relu would give."""
    random = np.random.default_rng(0)
    weight = random.normal(0, 0.03, (_CHANNELS, _CHANNELS, 3, 3)).astype(np.float32)
    bias = random.normal(0, 0.1, _CHANNELS).astype(np.float32)
    shape = ["N", _CHANNELS, _SIDE, _SIDE]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "conv.weight", "conv.bias"], ["conv"], "conv", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", ["conv"], ["y"], "relu"),
        ],
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(weight, "conv.weight"), numpy_helper.from_array(bias, "conv.bias")],
    )
    model, data = folder / "convolution.onnx", folder / "inputs.npz"
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]), model)
    np.savez(data, x=np.abs(random.normal(size=(4, _CHANNELS, _SIDE, _SIDE))).astype(np.float32))
    return Samples(model, data, data, {"scale": 1.0, "layout": "raw"}, 4)
