"""`workbench search`: a recipe and one JSON object, or the reason why there is none."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.cli.main import main
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.engine.core.reports import EvaluationReport
from workbench.engine.core.search_result import ParetoPoint, SearchBudgets, SearchResult
from workbench.project.measurement_store import default_store_path
from workbench.project.recipe_text import parse_recipe
from workbench.session import Session


@pytest.fixture
def scan(model: str, data: str, searched_store: Path, tmp_path: Path) -> Path:
    """A scan of the built-in model, as a file; what a search rests on was measured before."""
    default_store_path().parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(searched_store, default_store_path())
    path = tmp_path / "scan.json"
    words = ["scan", model, "--data", data]
    assert main([*words, "--bits", "2,4,8", "--sparsity", "0.5", "--samples", "16", "-o", str(path)]) == 0
    return path


@pytest.fixture
def search(model: str, data: str, scan: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., int]:
    capsys.readouterr()

    def run(*more: object) -> int:
        words = ("search", model, "--data", data, "--scan", scan, "--limit", 60, "-o", tmp_path / "r.yaml", *more)
        return main([str(word) for word in words])

    return run


def test_the_json_has_the_recipe_what_was_predicted_and_what_was_measured(
    search: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    status = search("--max-bytes", 30_000, "--json")

    value = json.loads(capsys.readouterr().out)
    assert status == 0
    assert parse_recipe((tmp_path / "r.yaml").read_text()).to_json() == value["recipe"]
    # No prediction is of corrected biases.
    is_corrected = "bias_correction" in json.dumps(value["recipe"])
    assert (value["predicted"]["accuracy"] is None) is is_corrected
    predicted = [point["predicted"]["accuracy"] for point in value["pareto"] if point["measured"] is None]
    assert {figure["origin"] for figure in predicted} == {"estimated"}
    assert value["measured"]["accuracy"]["origin"] == "measured"
    assert value["measured"]["accuracy"]["n"] == 60
    assert value["measured"]["file_bytes"] <= 30_000
    assert value["confirmed"]["accuracy"]["n"] == 60
    assert value["note"] is None
    sizes = [point["predicted"]["file_bytes"] for point in value["pareto"]]
    assert sizes == sorted(sizes)
    assert all("rules" in point["recipe"] for point in value["pareto"])


def test_applying_the_recipe_gives_the_bytes_that_were_said(
    search: Callable[..., int], model: str, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    search("--max-bytes", 30_000, "--json")
    said = json.loads(capsys.readouterr().out)["measured"]["file_bytes"]

    out = tmp_path / "small.onnx"
    status = main(["apply", model, "--recipe", str(tmp_path / "r.yaml"), "-o", str(out), "--data", data])

    assert status == 0
    assert out.stat().st_size == said


def test_a_budget_out_of_reach_is_status_one_and_nothing_is_written(
    search: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    status = search("--max-bytes", 1000, "--json")

    value = json.loads(capsys.readouterr().out)
    assert status == 1
    assert value["recipe"] is value["measured"] is value["output"] is None
    assert "out of reach" in value["refusal"]
    assert not (tmp_path / "r.yaml").exists()


def test_people_see_the_trade_off_and_which_recipe_was_taken(
    search: Callable[..., int], capsys: pytest.CaptureFixture[str]
):
    status = search("--max-drop", 5)

    printed = capsys.readouterr().out
    assert status == 0
    assert printed.count("taken") == 1
    assert "90 %:" in printed
    assert "original:" in printed
    assert "on 60 other samples:" in printed


def test_only_bits_are_used_where_only_those_are_wanted(search: Callable[..., int], capsys: pytest.CaptureFixture[str]):
    search("--max-bytes", 30_000, "--quantize", "--json")

    rules = json.loads(capsys.readouterr().out)["recipe"]["rules"]
    assert rules
    assert not any("prune" in rule for rule in rules)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ((), "give a budget"),
        (("--max-latency-ms", 5), "needs --device"),
        (("--max-bytes", 5000, "--device", "pixel"), "--device says whose latency"),
        (("--max-latency-ms", 5, "--device", "pixel"), "did you mean google-pixel"),
        (("--max-bytes", 0), "--max-bytes"),
        (("--max-drop", "nan"), "nan is not a finite number"),
        (("--max-latency-ms", "inf", "--device", "pixel"), "inf is not a finite number"),
    ],
    ids=["no budget", "no device", "no latency", "unknown device", "no bytes", "no drop", "no milliseconds"],
)
def test_bad_usage_is_one_line(error_of, model: str, data: str, tmp_path: Path, more, what):
    message = error_of("search", model, "--data", data, "-o", tmp_path / "r.yaml", *more)

    assert what in message


PHONE = "oneplus-7t/ncnn/cpu-4t"


def test_a_latency_budget_says_what_is_estimated_for_the_device_and_with_which_band(
    search: Callable[..., int], model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert search("--max-latency-ms", 0.5, "--max-bytes", 30_000, "--device", PHONE, "--json") == 0

    value = json.loads(capsys.readouterr().out)
    found = value["predicted"]["latency"]
    assert (value["device"], found["origin"], found["unit"]) == (PHONE, "estimated", "ms")
    assert found["low"] < found["value"] < found["high"]
    assert found["value"] <= 0.5
    # The recipe says it, too, and the estimate of what it gives is the same.
    assert f"# latency on {PHONE}: " in (tmp_path / "r.yaml").read_text()
    assert main(["latency", model, "--device", PHONE, "--recipe", str(tmp_path / "r.yaml"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["figure"] == found


def test_a_latency_out_of_reach_says_what_the_scan_would_have_to_try(
    search: Callable[..., int], capsys: pytest.CaptureFixture[str]
):
    status = search("--max-latency-ms", 0.001, "--device", PHONE)

    printed = capsys.readouterr().out
    assert status == 1
    assert f"at most 0.001 ms on {PHONE}; the fastest takes" in printed
    assert "--ratio" in printed
    assert "--activations 8" in printed


def test_bits_alone_take_no_multiply_adds_away_and_that_is_said(
    search: Callable[..., int], capsys: pytest.CaptureFixture[str]
):
    status = search("--max-macs", 1000, "--quantize")

    assert status == 1
    assert "no channel may go: that takes pruning" in capsys.readouterr().out


def test_a_device_without_a_figure_is_refused_in_one_line(
    error_of, model: str, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    budget = ("--max-latency-ms", 5, "--device", PHONE)
    monkeypatch.setattr("workbench.engine.latency.estimate.refusal", lambda *_: "no figure: nobody measured it")

    message = error_of("search", model, "--data", data, *budget, "-o", tmp_path / "r.yaml")

    assert f"device {PHONE}: no figure: nobody measured it" in message


def test_a_scan_of_other_samples_is_refused(error_of, model: str, data: str, scan: Path, tmp_path: Path):
    message = error_of(
        "search", model, "--data", data, "--std", 2, "--scan", scan, "--max-drop", 1, "-o", tmp_path / "r.yaml"
    )

    assert "other samples" in message


def test_what_is_there_is_not_overwritten(error_of, model: str, data: str, tmp_path: Path):
    (tmp_path / "r.yaml").write_text("mine")

    message = error_of("search", model, "--data", data, "--max-drop", 1, "-o", tmp_path / "r.yaml")

    assert "r.yaml" in message
    assert (tmp_path / "r.yaml").read_text() == "mine"


def _accuracy(value: float) -> Figure:
    return Figure(value, "fraction", Origin.MEASURED, n=60)


def _point(bits: int, file_bytes: int, measured: float) -> ParetoPoint:
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=bits))
    figure, original = _accuracy(measured), _accuracy(0.9)
    report = EvaluationReport("top1", figure, 60, 60, 1.0, recipe.digest, original, _accuracy(measured - 0.9))
    return ParetoPoint(recipe, file_bytes, None, replace(figure, origin=Origin.ESTIMATED), 0.1, measured=report)


@pytest.fixture
def dominated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that takes what another recipe beats in both size and accuracy."""
    front = (_point(4, 1500, 0.85), _point(6, 2500, 0.88))
    best = _point(8, 3500, 0.87)
    others = replace(best.measured, figure=_accuracy(0.8), difference=_accuracy(-0.1))
    result = SearchResult(SearchBudgets(4000), "top1", _accuracy(0.9), best, front=front, confirmed=others)
    monkeypatch.setattr(Session, "search", lambda *args, **more: iter([result]))


@pytest.mark.usefixtures("dominated")
def test_what_is_taken_is_listed_though_another_recipe_beats_it(
    search: Callable[..., int], capsys: pytest.CaptureFixture[str]
):
    assert search("--max-bytes", 4000) == 0

    (taken,) = [line for line in capsys.readouterr().out.splitlines() if line.endswith("taken")]
    assert "3.5 kB" in taken
    assert "87.0 %" in taken


@pytest.mark.usefixtures("dominated")
def test_the_json_lists_what_is_taken_too(search: Callable[..., int], capsys: pytest.CaptureFixture[str]):
    search("--max-bytes", 4000, "--json")

    listed = json.loads(capsys.readouterr().out)["pareto"]
    assert [(point["predicted"]["file_bytes"], point["taken"]) for point in listed] == [
        (1500, False),
        (2500, False),
        (3500, True),
    ]


@pytest.mark.usefixtures("dominated")
def test_the_recipe_says_at_its_head_what_it_gives_on_samples_that_nothing_was_chosen_on(
    search: Callable[..., int], tmp_path: Path
):
    search("--max-bytes", 4000)

    head = [line for line in (tmp_path / "r.yaml").read_text().splitlines() if line.startswith("#")]
    assert "# on 60 other samples: 80.0 % against the original's 90.0 %, −10.0 pp" in head
