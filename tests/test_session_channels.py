"""Channels pruned by the verbs that window, command line and scripts call: the same file, proven and verified."""

import hashlib
import json
import queue
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.channel_networks import CHAIN, SHORTCUT
from workbench.cli.main import main
from workbench.engine.core.errors import VerificationError
from workbench.engine.core.recipe import Recipe
from workbench.jobs import Cancelled, JobContext, Progress
from workbench.project.recipe_text import parse_recipe
from workbench.session import Session
from workbench.worker.client import WorkerClient
from workbench.worker.messages import Done, Failed, Reply

_ALL = """
version: 1
equalize: true
rules:
  - {select: "op:Conv", prune: {kind: filters, ratio: 0.5, criterion: taylor, scope: lamp}}
  - {select: "op:Conv", prune: {kind: weights, sparsity: 0.3}}
  - {select: "c1", weights: {bits: 8, bias_correction: true}, activations: {bits: 8}}
  - {select: "c2", weights: {bits: 4, rounding: learned}, activations: {bits: 8}}
  - {select: "c3", weights: {bits: 4}, activations: {bits: 8}}
  - {select: "y", weights: {bits: 4, range: mse}}
calibration: {samples: 12, seed: 1}
"""
_LONG_S = 60


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return SHORTCUT.write(tmp_path / "m.onnx")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Forty labelled pictures of 8×8 pixels."""
    random, path = np.random.default_rng(9), tmp_path / "d.npz"
    np.savez(path, x=random.normal(size=(40, 3, 8, 8)).astype(np.float32), y=random.integers(0, 5, 40))
    path.with_suffix(".data.yaml").write_text("scale: 1\nmean: 0\nstd: 1\n", encoding="utf-8")
    return path


@pytest.fixture
def recipe() -> Recipe:
    return parse_recipe(_ALL)


@pytest.fixture
def bench(model: Path, data: Path) -> Session:
    session = Session()
    session.open_model(model)
    session.open_data(data)
    return session


@pytest.fixture
def ask_worker() -> Iterator[Callable[..., object]]:
    """Asks a verb of a session in the window's worker process, and waits for the answer."""
    replies: queue.Queue[Reply] = queue.Queue()
    client = WorkerClient(replies.put)
    client.start()

    def ask(verb: str, *args: object) -> object:
        request = client.send("run", verb, *args)
        while True:
            reply = replies.get(timeout=_LONG_S)
            if isinstance(reply, Done | Failed) and reply.id == request:
                assert isinstance(reply, Done), reply
                return reply.value

    yield ask
    client.close()


def test_everything_at_once_is_verified_and_what_was_cut_is_proven(bench: Session, recipe: Recipe, tmp_path: Path):
    report = bench.export(recipe, tmp_path / "out.onnx")

    assert report.verified.ok
    assert report.preview_bytes == (tmp_path / "out.onnx").stat().st_size
    assert report.channels is not None
    assert report.channels.ok
    assert not report.channels.is_random
    assert report.channels.max_relative_difference <= 1e-4
    assert {group.group for group in report.plan.groups} == {"c1", "c2"}


def test_parameters_and_multiply_adds_are_those_of_what_is_left(model: Path, tmp_path: Path):
    session = Session()
    session.open_model(model)
    half = parse_recipe('version: 1\nrules: [{select: "*", prune: {kind: filters, ratio: 0.5}}]')

    report = session.export(half, tmp_path / "out.onnx")

    # 4·3·9 + 4, 6·4·9 + 6, 8·6·9 + 8, 5·8 + 5; each convolution on 64 pixels.
    assert report.after.num_params == 112 + 222 + 440 + 45
    assert report.after.macs == 64 * (108 + 216 + 432) + 40
    written = Session().open_model(tmp_path / "out.onnx")
    assert (written.macs, written.num_params) == (report.after.macs, report.after.num_params)


def test_session_command_line_and_window_write_the_same_file(
    bench: Session, recipe: Recipe, model: Path, data: Path, tmp_path: Path, ask_worker, capsys
):
    by_script = bench.export(recipe, tmp_path / "script.onnx").output_sha256
    again = Session()
    again.open_model(model)
    again.open_data(data)
    text = tmp_path / "r.yaml"
    text.write_text(_ALL, encoding="utf-8")

    arguments = ["apply", model, "--recipe", text, "--data", data, "-o", tmp_path / "line.onnx", "--json"]
    assert main([str(argument) for argument in arguments]) == 0
    by_line = json.loads(capsys.readouterr().out)["output_sha256"]
    ask_worker("open_model", str(model))
    ask_worker("open_data", str(data))
    ask_worker("export", recipe, str(tmp_path / "window.onnx"))
    by_window = hashlib.sha256((tmp_path / "window.onnx").read_bytes()).hexdigest()

    assert {by_script, by_line, by_window} == {again.export(recipe, tmp_path / "again.onnx").output_sha256}


def test_the_file_on_disk_answers_as_the_preview_did(bench: Session, recipe: Recipe, model: Path, tmp_path: Path):
    *_, preview = bench.evaluate(recipe)
    report = bench.export(recipe, tmp_path / "out.onnx")

    assert report.after.accuracy == preview.figure
    *_, against = bench.evaluate_against(tmp_path / "out.onnx")
    assert against.reference is not None
    assert against.reference.value == preview.figure.value


def test_without_samples_random_inputs_prove_it(model: Path, tmp_path: Path):
    session = Session()
    session.open_model(model)
    half = parse_recipe('version: 1\nrules: [{select: "*", prune: {kind: filters, ratio: 0.5}}]')

    proof = session.prove_channels(half)

    assert proof is not None
    assert proof.ok
    assert proof.is_random


def test_a_recipe_that_cuts_nothing_has_nothing_to_prove(bench: Session, tmp_path: Path):
    four_bits = parse_recipe('version: 1\nrules: [{select: "*", weights: {bits: 4}}]')

    assert bench.prove_channels(four_bits) is None
    assert bench.export(four_bits, tmp_path / "out.onnx").channels is None


def test_a_file_whose_cut_is_not_proven_is_not_written(bench: Session, tmp_path: Path, monkeypatch):
    half = parse_recipe('version: 1\nrules: [{select: "*", prune: {kind: filters, ratio: 0.5}}]')
    pruning = bench._bench.compressor.pruning
    right = pruning.silenced

    def of_other_channels(groups, samples, ctx) -> onnx.ModelProto:
        silenced = right(groups, samples, ctx)
        for tensor in silenced.graph.initializer:
            if tensor.name == "r2_kept":
                tensor.raw_data = tensor.raw_data[::-1]
        return silenced

    monkeypatch.setattr(pruning, "silenced", of_other_channels)

    with pytest.raises(VerificationError, match="without the channels the model answers otherwise"):
        bench.export(half, tmp_path / "out.onnx")

    assert not (tmp_path / "out.onnx").exists()


def test_an_export_stopped_while_a_criterion_looks_at_samples_writes_nothing(
    bench: Session, recipe: Recipe, tmp_path: Path
):
    texts = []

    def cancel(progress: Progress) -> None:
        texts.append(progress.text)
        ctx.cancel()

    ctx = JobContext(cancel)
    with pytest.raises(Cancelled):
        bench.export(recipe, tmp_path / "out.onnx", ctx=ctx)

    assert texts[0].startswith("compressing: gradients of 28 units, 1 of 12 samples")
    assert not (tmp_path / "out.onnx").exists()


def test_a_plan_on_a_drag_does_not_look_at_samples(bench: Session):
    by_taylor = parse_recipe(
        'version: 1\nrules: [{select: "*", prune: {kind: filters, ratio: 0.5, criterion: taylor}}]'
    )
    ctx = JobContext()
    ctx.cancel()

    assert [group.kept for group in bench.plan(by_taylor, ctx=ctx).groups] == [(4, 4), (6,)]


def test_channels_are_those_of_the_model_on_the_bench(bench: Session, tmp_path: Path):
    before = bench.channels()
    bench.open_model(CHAIN.write(tmp_path / "other.onnx"))

    assert [group.name for group in before.groups] == ["c1", "c2", "y"]
    assert bench.channels().group("c1").members == ("c1",)
    assert before.group("c1").members == ("c1", "c3")
