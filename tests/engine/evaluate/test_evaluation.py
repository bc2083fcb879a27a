"""Evaluation gives what a plain loop gives, progressively, paired, and stops when asked."""

from pathlib import Path

import numpy as np
import pytest

from workbench.engine.core.errors import DataError
from workbench.engine.data.dataset import open_dataset, seeded_subset
from workbench.engine.evaluate.collecting import collect_outputs
from workbench.engine.evaluate.evaluation import evaluate
from workbench.engine.evaluate.reference import ReferenceAnswers
from workbench.engine.runtime.session import RuntimeSession
from workbench.jobs import Cancelled, JobContext


class _CountingSession(RuntimeSession):
    """Notes how many samples it was asked to run."""

    num_run = 0

    def run_samples(self, feeds, count, ctx=None):
        self.num_run += count
        return super().run_samples(feeds, count, ctx)


def _last(*args, **given):
    return list(evaluate(*args, JobContext(), **given))[-1]


def test_the_whole_set_gives_the_plain_loop_s_accuracy(same: bytes, scores):
    report = _last(same, scores(same))

    # Every fourth label of 300 is wrong, and the model answers by its input.
    assert (report.metric, report.done, report.figure.n) == ("top1", 300, 300)
    assert report.figure.value == 0.75
    assert report.figure.low < 0.75 < report.figure.high
    assert report.is_final


def test_the_first_report_comes_after_the_first_small_batch(same: bytes, scores):
    reports = list(evaluate(same, scores(same), JobContext(), first_batch=16, batch_size=32))

    assert reports[0].done == 16
    assert reports[0].total == 300
    assert not reports[0].is_final


def test_a_limit_takes_the_seeded_subset(same: bytes, scores):
    dataset = scores(same)
    chosen = seeded_subset(300, 40)

    report = _last(same, dataset, limit=40)

    assert (report.done, report.total) == (40, 40)
    assert report.figure.value == np.mean(chosen % 4 != 0)


def test_skipped_samples_are_those_of_a_smaller_limit(same: bytes, scores):
    dataset = scores(same)
    others = seeded_subset(300, 100)[60:]

    report = _last(same, dataset, limit=40, skip=60)

    assert (report.done, report.total) == (40, 40)
    assert report.figure.value == np.mean(others % 4 != 0)


def test_a_pair_is_compared_sample_by_sample(same: bytes, reversed_scores: bytes, scores):
    dataset = scores(same)

    report = _last(reversed_scores, dataset, reference=ReferenceAnswers(RuntimeSession(same), dataset))

    x = dataset.batch(range(300))["x"]
    before, after = x.argmax(axis=1), x.argmin(axis=1)
    assert report.reference.value == 0.75
    assert report.figure.value == np.mean(after == dataset.labels)
    assert report.difference.value == pytest.approx(report.figure.value - 0.75)
    assert report.difference.low < report.difference.value < report.difference.high < 0
    assert report.agreement.value == np.mean(before == after) == 0
    assert len(report.changed) == 200
    sample = report.changed[0].sample
    assert (report.changed[0].before, report.changed[0].after) == (before[sample], after[sample])


def test_kl_divergence_is_that_of_the_softmax(same: bytes, reversed_scores: bytes, scores):
    dataset = scores(same)

    report = _last(reversed_scores, dataset, reference=ReferenceAnswers(RuntimeSession(same), dataset))

    x = dataset.batch(range(300))["x"].astype(np.float64)
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    q = np.exp(-x) / np.exp(-x).sum(axis=1, keepdims=True)
    assert report.kl_divergence.value == pytest.approx((p * np.log(p / q)).sum(axis=1).mean(), rel=1e-5)


def test_without_labels_agreement_is_measured(same: bytes, reversed_scores: bytes, scores):
    dataset = scores(same, labels=False)
    reference = ReferenceAnswers(RuntimeSession(same), dataset)

    assert _last(same, dataset, reference=reference).figure.value == 1
    assert _last(reversed_scores, dataset, reference=reference).metric == "agreement"


@pytest.mark.parametrize("batch", [16, 3], ids=["at once", "kept answers"])
def test_outputs_of_many_positions_agree_by_position(model, tmp_path: Path, batch: int):
    """Four anchors with two scores each; the other model turns those of the last anchor around."""
    one = model("m (float[N,4,2] x) => (float[N,4,2] y) { y = Identity(x) }")
    sign = "<float[1,4,1] sign = {1, 1, 1, -1}>"
    other = model(f"m (float[N,4,2] x) => (float[N,4,2] y) {sign} {{ y = Mul(x, sign) }}")
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(2).normal(size=(20, 4, 2)).astype(np.float32))
    dataset = open_dataset(tmp_path / "d.npz", None, RuntimeSession(one).inputs)
    reference = ReferenceAnswers(RuntimeSession(one), dataset)
    _last(other, dataset, reference=reference, limit=5)

    report = _last(other, dataset, reference=reference, first_batch=batch, batch_size=batch)

    assert (report.metric, report.figure.value, report.figure.n) == ("agreement", 0.75, 20)
    assert (report.agreement.value, report.difference.value, report.reference.value) == (0.75, -0.25, 1.0)


def test_a_detector_that_loses_all_it_found_says_so(model, tmp_path: Path):
    """Ten anchors, of which the original takes the first for an object; the other model none."""
    one = model("m (float[N,10,2] x) => (float[N,10,2] y) { y = Identity(x) }")
    other = model("m (float[N,10,2] x) => (float[N,10,2] y) <float[1,1,2] up = {9, 0}> { y = Add(x, up) }")
    x = np.zeros((6, 10, 2), np.float32)
    x[:, :, 0], x[:, 0, 1] = 1, 2
    np.savez(tmp_path / "d.npz", x=x)
    dataset = open_dataset(tmp_path / "d.npz", None, RuntimeSession(one).inputs)

    report = _last(other, dataset, reference=ReferenceAnswers(RuntimeSession(one), dataset))

    assert report.figure.value == 0.9
    assert (report.found_agreement.value, report.found_agreement.n, report.background) == (0.0, 6, 0)


def test_answers_that_are_no_numbers_are_counted(model, tmp_path: Path):
    root = model("m (float[N,3] x) => (float[N,3] y) { y = Sqrt(x) }")
    x = np.ones((40, 3), np.float32)
    x[[3, 20, 21], 1] = -1
    np.savez(tmp_path / "d.npz", x=x, y=np.zeros(40, np.int64))

    report = _last(root, open_dataset(tmp_path / "d.npz", None, RuntimeSession(root).inputs))

    assert report.num_nan == 3


def test_a_mask_of_single_scores_agrees_by_pixel(model, tmp_path: Path):
    one = model("m (float[N,1,2,2] x) => (float[N,1,2,2] y) { y = Sigmoid(x) }")
    zero = model("m (float[N,1,2,2] x) => (float[N,1,2,2] y) { z = Sub(x, x) y = Sigmoid(z) }")
    np.savez(tmp_path / "d.npz", x=np.tile(np.array([[[[-3, 2], [-1, -5]]]], np.float32), (6, 1, 1, 1)))
    dataset = open_dataset(tmp_path / "d.npz", None, RuntimeSession(one).inputs)

    report = _last(zero, dataset, reference=ReferenceAnswers(RuntimeSession(one), dataset))

    # A half is no more than a half, so the other model's pixels are all of class 0.
    assert report.figure.value == 0.75


def test_the_original_never_runs_twice_on_a_sample(same: bytes, reversed_scores: bytes, scores):
    dataset = scores(same)
    session = _CountingSession(same)
    reference = ReferenceAnswers(session, dataset)

    first = _last(reversed_scores, dataset, reference=reference, limit=50)
    whole = _last(reversed_scores, dataset, reference=reference, batch_size=37)
    again = _last(reversed_scores, dataset, reference=reference, limit=50)

    assert session.num_run == 300
    assert (first.difference, first.kl_divergence.value) == (again.difference, pytest.approx(again.kl_divergence.value))
    assert whole.reference.value == 0.75


def test_answers_beyond_the_memory_limit_are_computed_again(same: bytes, scores):
    dataset = scores(same)
    session = _CountingSession(same)
    reference = ReferenceAnswers(session, dataset, max_bytes=1000)

    reports = [_last(same, dataset, reference=reference) for _ in range(2)]

    assert reports[0].difference == reports[1].difference
    assert 300 < session.num_run < 600


def test_a_reference_for_other_samples_is_refused(same: bytes, scores):
    reference = ReferenceAnswers(RuntimeSession(same), scores(same, labels=False))

    with pytest.raises(DataError, match="other samples"):
        _last(same, scores(same), reference=reference)


def test_labels_out_of_range_are_named_before_anything_runs(same: bytes, scores):
    session = _CountingSession(same)

    with pytest.raises(DataError, match=r"sample \d+ has label 2 \+ 1, but the model's outputs are numbered 0 to 2"):
        _last(session, scores(same, labels_offset=1))

    assert session.num_run == 0


@pytest.mark.parametrize(
    ("metric", "text"), [("top1", "needs labels"), ("psnr", "needs target"), ("", "only agreement")]
)
def test_a_metric_that_the_data_cannot_have_is_refused(same: bytes, scores, metric: str, text: str):
    with pytest.raises(DataError, match=text):
        _last(same, scores(same, labels=False), metric=metric)


def test_a_model_of_one_sample_gives_the_same_figures(model, same: bytes, scores):
    single = model("m (float[1,3] x) => (float[1,3] y) { y = Identity(x) }")
    pair = model("m (float[7,3] x) => (float[7,3] y) { y = Identity(x) }")

    figures = {_last(each, scores(same)).figure for each in (same, single, pair)}

    assert len(figures) == 1


def test_psnr_is_the_hand_calculated_one(model, tmp_path):
    half = model("m (float[N,1,2,2] x) => (float[N,1,2,2] y) { c = Constant<value = float {0.5}>() y = Mul(x, c) }")
    path = tmp_path / "images.npz"
    x = np.full((5, 2, 2), 200, np.uint8)
    np.savez(path, x=x, y=x)
    dataset = open_dataset(path, {}, RuntimeSession(half).inputs)

    report = _last(half, dataset, reference=ReferenceAnswers(RuntimeSession(half), dataset))

    # Off by 100 of 255 at each pixel: 20 · log10(2.55).
    assert report.metric == "psnr"
    assert report.figure.value == pytest.approx(8.1308, abs=1e-4)
    assert (report.figure.unit, report.difference.value) == ("dB", 0)


def test_cancelling_stops_between_batches(same: bytes, scores):
    ctx = JobContext()
    reports = evaluate(same, scores(same), ctx, first_batch=10)
    next(reports)

    ctx.cancel()

    with pytest.raises(Cancelled):
        list(reports)


def test_collected_outputs_are_all_and_in_order(model, scores, same: bytes):
    two = model("m (float[N,3] x) => (float[N,3] y, float[N,3] z) { y = Identity(x) z = Neg(x) }")
    dataset = scores(same)
    order = seeded_subset(300, 150)
    found = []

    collect_outputs(two, dataset, order, JobContext(), lambda indices, outputs: found.append((indices, outputs)))

    assert np.concatenate([indices for indices, _ in found]).tolist() == order.tolist()
    wanted = dataset.batch(order)["x"]
    assert np.array_equal(np.concatenate([outputs[0] for _, outputs in found]), wanted)
    assert np.array_equal(np.concatenate([outputs[1] for _, outputs in found]), -wanted)


@pytest.mark.parametrize("end", ["y = Sigmoid(z)", "y = Identity(z)"], ids=["probability", "logit"])
def test_a_single_score_is_judged_as_two_classes(model, tmp_path: Path, end: str):
    # z = x − 1, so class 1 begins at x = 1; labels agree on 3 of the 4 samples.
    data = model(f"m (float[N,1] x) => (float[N,1] y) <float[1] one = {{1}}> {{ z = Sub(x, one) {end} }}")
    np.savez(tmp_path / "d.npz", x=np.array([[-4.0], [1.5], [0.9], [7.0]], np.float32), y=[0, 1, 1, 1])
    dataset = open_dataset(tmp_path / "d.npz", None, RuntimeSession(data).inputs)

    *_, report = evaluate(data, dataset, JobContext(), batch_size=1, first_batch=4)

    assert (report.metric, report.figure.value) == ("top1", 0.75)


def test_a_single_score_has_no_third_class(model, tmp_path: Path):
    data = model("m (float[N,1] x) => (float[N,1] y) { y = Sigmoid(x) }")
    np.savez(tmp_path / "d.npz", x=np.zeros((2, 1), np.float32), y=[0, 2])
    dataset = open_dataset(tmp_path / "d.npz", None, RuntimeSession(data).inputs)

    with pytest.raises(DataError, match="label 2, but the model's outputs are numbered 0 to 1"):
        list(evaluate(data, dataset, JobContext()))


def _rows(tmp_path: Path, session: bytes):
    path = tmp_path / "rows.npz"
    np.savez(path, x=np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32))
    return open_dataset(path, {}, RuntimeSession(session).inputs)


def test_one_number_of_a_model_of_one_sample_is_that_sample_s_answer(model, tmp_path: Path):
    one = model("m (float[1,3] x) => (float y) { y = ReduceSum<keepdims = 0>(x) }")
    rows = _rows(tmp_path, one)
    reference = ReferenceAnswers(RuntimeSession(one), rows)

    report = list(evaluate(RuntimeSession(one), rows, JobContext(), reference=reference))[-1]

    assert report.figure.value == 1


def test_one_number_for_all_samples_is_refused_in_one_line(model, tmp_path: Path):
    summed = model("m (float[N,3] x) => (float y) { y = ReduceSum<keepdims = 0>(x) }")
    rows = _rows(tmp_path, summed)

    with pytest.raises(DataError, match="one number for all samples"):
        list(
            evaluate(
                RuntimeSession(summed), rows, JobContext(), reference=ReferenceAnswers(RuntimeSession(summed), rows)
            )
        )
