"""Times are measured, their intervals are those of order statistics."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx.parser
import pytest

from workbench.engine.core.errors import RunError
from workbench.engine.core.measurement import Origin
from workbench.engine.core.reports import LatencyReport
from workbench.engine.runtime.cpu_name import _from_cpuinfo, cpu_name
from workbench.engine.runtime.latency import _ratio, measure_latency
from workbench.engine.runtime.order_statistics import quantile_figure, quantile_ranks
from workbench.jobs import Cancelled, JobContext


@pytest.fixture
def model() -> bytes:
    text = '<ir_version: 8, opset_import: ["" : 13]> m (float[N,3] x, int64[1] i) => (float[N,3] y) '
    return onnx.parser.parse_model(text + "{ j = Cast<to = 1>(i) y = Add(x, j) }").SerializeToString()


@pytest.mark.parametrize(
    ("count", "ranks"), [(6, (1, 6)), (10, (2, 9)), (20, (6, 15)), (50, (18, 33)), (100, (40, 61))]
)
def test_ranks_for_the_median_are_the_printed_ones(count: int, ranks: tuple[int, int]):
    # The table of the sign test's confidence limits, such as in Conover 1999, table A3; 2.5 % at most a side.
    assert quantile_ranks(count, 0.5) == ranks


def test_the_upper_limit_of_p90_needs_36_runs():
    # 1 − 0.9³⁵ = 97.50 % falls short by a hair: 0.9³⁵ = 0.02503; 0.9³⁶ = 0.0225.
    assert quantile_ranks(35, 0.9)[1] == 36
    assert quantile_ranks(36, 0.9)[1] == 36


def test_the_interval_covers_the_true_median_as_often_as_it_says():
    generator = np.random.default_rng(1)
    figures = [quantile_figure(generator.exponential(size=25), 0.5, "ms") for _ in range(400)]

    covered = np.mean([figure.low <= np.log(2) <= figure.high for figure in figures])

    # 95.7 % by the binomial; 400 trials are within 3 standard errors of it.
    assert 0.92 < covered < 0.99


def test_too_few_runs_have_no_interval():
    figure = quantile_figure(np.array([1.0, 2.0, 3.0]), 0.5, "ms")

    assert (figure.value, figure.low, figure.high, figure.n) == (2, None, None, 3)


def test_latency_is_measured_at_batch_1(model: bytes):
    report = measure_latency(model, JobContext(), max_runs=40)

    assert report.p50.n == report.p90.n == 40
    assert report.p50.origin is Origin.MEASURED
    assert 0 < report.p50.low <= report.p50.value <= report.p50.high
    assert report.p50.value <= report.p90.value <= report.p90.high
    assert report.device == cpu_name()


def test_a_model_is_timed_by_turns_with_the_one_that_it_is_compared_with(model: bytes):
    text = '<ir_version: 8, opset_import: ["" : 13]> m (float[N,3] x, int64[1] i) => (float[500,500] y) '
    body = "{ s = Constant<value = int64[2] {500, 500}>() j = Cast<to = 1>(i) e = Expand(j, s) "
    heavy = onnx.parser.parse_model(text + body + "y = MatMul(e, e) }").SerializeToString()

    report = measure_latency(heavy, JobContext(), against=model, max_runs=80)

    assert report.original.value < report.p50.value
    assert 1 < report.ratio.low <= report.ratio.value <= report.ratio.high
    # One for each pair of rounds, of ten runs at most.
    assert report.ratio.n >= 8


def test_load_that_comes_and_goes_does_not_make_one_of_them_quicker():
    loads = (1.0, 1.0, 4.0, 9.0, 2.0, 1.0)
    rounds = [(2 * load, 2.5 * load, 3 * load) for load in loads]

    ratio = _ratio(rounds, [tuple(2 * ms for ms in times) for times in rounds])

    assert (ratio.value, ratio.low, ratio.high, ratio.n) == (0.5, 0.5, 0.5, 6)


def test_only_the_runs_that_are_timed_have_the_engine_to_themselves(model: bytes):
    seen: list[str] = []

    @contextmanager
    def alone() -> Iterator[None]:
        seen.append("alone")
        yield
        seen.append("let go")

    def gate() -> None:
        assert seen[-1:] != ["alone"], "what waits for the end of it would never come"

    report = measure_latency(model, JobContext(gate=gate, alone=alone), max_runs=40)

    assert report.p50.n == 40
    assert seen == ["alone", "let go"] * (len(seen) // 2)
    assert len(seen) // 2 >= 4


def test_a_cancelled_measurement_stops(model: bytes):
    ctx = JobContext()
    ctx.cancel()

    with pytest.raises(Cancelled):
        measure_latency(model, ctx)


def test_a_model_that_does_not_run_is_one_clear_line():
    text = '<ir_version: 8, opset_import: ["" : 13]> m (float[2,3] x) => (float[2,5] y) <int64[2] s = {2, 5}> '
    model = onnx.parser.parse_model(text + "{ y = Reshape(x, s) }").SerializeToString()

    with pytest.raises(RunError, match="fails on the random inputs that latency is timed with"):
        measure_latency(model, JobContext())


def test_a_file_that_is_no_model_is_refused(tmp_path: Path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08nonsense")

    with pytest.raises(RunError, match="does not open"):
        measure_latency(path, JobContext())


def test_progress_is_reported_up_to_the_last_run(model: bytes):
    seen: list[float] = []

    measure_latency(model, JobContext(lambda progress: seen.append(progress.done)), max_runs=30)

    assert seen == [10, 20, 30]


@pytest.mark.parametrize(("niceness", "note"), [(0, ""), (10, "niceness 10")])
def test_a_report_says_when_other_programs_went_first(niceness: int, note: str):
    figure = quantile_figure(np.array([1.0, 2.0]), 0.5, "ms")

    found = LatencyReport(figure, figure, "a processor", niceness=niceness).note

    assert note in found
    assert bool(found) == bool(note)


def test_the_processor_s_name_is_read_from_linux(tmp_path: Path):
    file = tmp_path / "cpuinfo"
    file.write_text("processor\t: 0\nmodel name\t: Fast  CPU 9000\n", encoding="utf-8")

    assert _from_cpuinfo(file) == "Fast CPU 9000"
    assert _from_cpuinfo(tmp_path / "missing") == ""
