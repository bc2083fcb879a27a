"""The report page: complete, self-contained, and safe to open whatever the model calls its layers."""

import re
from dataclasses import replace
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.plan import LayerPlan, Plan
from workbench.engine.core.recipe import WeightSettings
from workbench.engine.core.reports import ApplyReport, DataInfo, ModelSummary, Preprocessing, Verification
from workbench.engine.export.report import render_report
from workbench.engine.export.report_bars import kept_fraction, layer_bars

_CREATED = datetime(2026, 3, 4, 15, 6)
_HOSTILE = "<script>alert('x')</script>\"&"
_VOID_TAGS = {"meta", "br", "rect"}


class _Page(HTMLParser):
    """Reads a page, and fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _VOID_TAGS:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def _layer(name: str, num_weights: int = 1000, num_params: int = 1000) -> Layer:
    return Layer(name, "Conv", f"{name}.weight", f"{name}_out", (num_weights,), num_params, macs=5000, axis=0)


def _model(*layers: Layer) -> ModelInfo:
    return ModelInfo("models/net.onnx", "ab" * 32, "ab" * 32, 13, 7, "maker", 2000, 100_000, 10_000, (), (), layers)


def _report(**changes: object) -> ApplyReport:
    plan = Plan(
        (
            LayerPlan("first", "weights 4 bit", "weights 4 bit", weights=WeightSettings(4)),
            LayerPlan("second", "weights 4 bit", "", reason="it is shared with a layer that stays float"),
        ),
        notes=("opset raised from 9 to 11",),
    )
    before = Figure(0.81, "fraction", Origin.MEASURED, 0.7989, 0.8208, 5000)
    after = Figure(0.798, "fraction", Origin.MEASURED, 0.7866, 0.8091, 5000)
    report = ApplyReport(
        plan=plan,
        before=ModelSummary(100_000, 2000, 10_000, 0.0, before),
        after=ModelSummary(16_000, 2000, 10_000, 0.25, after),
        preview_bytes=16_000,
        preview_accuracy=after,
        difference=Figure(-0.012, "fraction", Origin.MEASURED, -0.02, -0.004, 5000),
        verified=Verification(5000, 0.0, 1.0, ok=True),
        output_path=Path("small.onnx"),
        output_sha256="cd" * 32,
        metric="top1",
    )
    return replace(report, **changes)


def _page(report: ApplyReport, info: ModelInfo | None = None, title: str = "A report") -> _Page:
    info = info or _model(_layer("first"), _layer("second"))
    return _Page(render_report(report, info, title=title, created=_CREATED))


def test_says_what_it_cost_with_interval_and_origin() -> None:
    text = _page(_report()).text

    assert "16.0 kB instead of 100.0 kB (16.0 % of it)" in text
    assert "81.0 % measured 79.9 … 82.1 %, n = 5,000" in text
    assert "−1.2 pp measured −2.0 … −0.4 pp, n = 5,000" in text
    assert "−84.0 %" in text
    assert "2026-03-04 15:06" in text


def test_says_what_was_done_and_why_it_differs() -> None:
    text = _page(_report()).text

    assert "first weights 4 bit as asked" in text
    assert "second weights 4 bit nothing it is shared with a layer that stays float" in text
    assert "opset raised from 9 to 11" in text


def test_a_failed_verification_is_named_with_the_first_layer_that_differs() -> None:
    failed = Verification(5000, 0.5, 0.9, ok=False, first_difference="layer7")

    text = _page(_report(verified=failed)).text

    assert "not verified" in text
    assert "The first layer whose output differs from the preview: layer7" in text
    assert "90.0 % of 5,000 samples" in text


def test_without_samples_it_says_not_evaluated_rather_than_nothing() -> None:
    bare = ModelSummary(100, 10, None, 0.0)

    text = _page(_report(before=bare, after=bare, difference=None, preview_accuracy=None, metric="")).text

    assert "Accuracy not evaluated not evaluated" in text
    assert "Multiply-adds, batch 1 unknown unknown" in text


def test_a_verification_without_samples_claims_no_share() -> None:
    text = _page(_report(verified=Verification(0, 0.0, 1.0, ok=True))).text

    assert "With the same answer no samples were given" in text


def test_random_inputs_are_not_called_samples() -> None:
    text = _page(_report(verified=Verification(8, 0.0, 1.0, ok=True, is_random=True))).text

    assert "With the same answer 100.0 % of 8 random inputs, as no samples were given" in text


def test_guessed_preprocessing_is_shown_as_a_guess() -> None:
    guessed = Preprocessing(scale=0.5, mean=(0.25, 0.75), guessed=("scale", "mean"))
    data = DataInfo("d.npz", 5000, True, 10, (8, 8, 1), guessed, "digest")

    text = _page(_report(data=data)).text

    assert "Guessed, as nobody gave it: scale 0.5, mean 0.25 0.75." in text
    assert "Guessed" not in _page(_report()).text


def test_a_quality_in_decibel_is_not_called_accuracy() -> None:
    quality = Figure(38.2, "dB", Origin.MEASURED, n=20)
    summary = ModelSummary(100, 10, None, 0.0, quality)

    difference = Figure(-0.3, "dB", Origin.MEASURED, -0.4, -0.2, 20)

    text = _page(_report(before=summary, after=summary, difference=difference, metric="psnr")).text

    assert "PSNR 38.2 dB measured n = 20" in text
    assert "PSNR −0.300 dB" in text
    assert "Accuracy" not in text
    assert "%" not in text.partition("PSNR 38.2")[2].partition("Zeros")[0].replace("95 %", "")


def test_agreement_with_the_original_is_no_figure_of_the_original() -> None:
    agreement = Figure(0.98, "fraction", Origin.MEASURED, n=50)
    before, after = ModelSummary(100, 10, None, 0.0), ModelSummary(50, 10, None, 0.0, agreement)

    text = _page(_report(before=before, after=after, difference=None, metric="agreement")).text

    assert "Agreement with the original 98.0 % measured n = 50" in text
    assert "Accuracy" not in text
    assert "not evaluated" not in text


def test_loads_nothing_and_runs_nothing() -> None:
    html = render_report(_report(), _model(_layer("first")), title="A report", created=_CREATED)
    page = _Page(html)

    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not {name for name, _ in page.attributes} & {"src", "href", "srcset", "action", "xlink:href"}
    assert not re.search(r"url\(|@import|https?:", html)


@pytest.mark.parametrize("place", ["title", "layer", "asked", "reason", "note", "path", "first_difference"])
def test_a_name_with_markup_in_it_stays_text(place: str) -> None:
    report, info, title = _report(), _model(_layer("first")), "A report"
    entry = LayerPlan("first", "asked", "done", "reason")
    if place == "title":
        title = _HOSTILE
    elif place == "layer":
        info = _model(_layer(_HOSTILE))
        report = _report(plan=Plan((replace(entry, layer=_HOSTILE),)))
    elif place in {"asked", "reason"}:
        report = _report(plan=Plan((replace(entry, **{place: _HOSTILE}),)))
    elif place == "note":
        report = _report(plan=Plan((), notes=(_HOSTILE,)))
    elif place == "path":
        info = replace(info, path=_HOSTILE)
    else:
        report = _report(verified=Verification(1, 1.0, 0.0, ok=False, first_difference=_HOSTILE))

    page = _page(report, info, title)

    assert "script" not in page.tags
    assert _HOSTILE in page.text


def test_a_bar_is_as_long_as_its_layer_is_large() -> None:
    widths = _bar_widths(layer_bars((_layer("a", 1000, 1000), _layer("b", 250, 250)), Plan(())), "whole")

    assert widths[1] == pytest.approx(widths[0] / 4)


def test_only_the_largest_of_many_layers_are_drawn_and_it_says_so() -> None:
    layers = [_layer(f"layer{index}", index + 1, index + 1) for index in range(1000)]

    drawing = layer_bars(layers, Plan(()))

    assert len(_bar_widths(drawing, "whole")) == 60
    assert "The 940 smallest of 1000 layers are not drawn." in drawing


def test_a_model_without_layers_is_said_to_have_none() -> None:
    text = _page(_report(plan=Plan(())), _model()).text

    assert "The model has no layers with weights." in text
    assert "The recipe touches no layer." in text


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(None, 1.0, id="untouched"),
        # 1000 weights of 4 bits and 100 floats of bias, of 1100 floats: (4000 + 3200) / 35200.
        pytest.param(LayerPlan("a", "", "", weights=WeightSettings(4)), 7200 / 35_200, id="4 bit"),
        # 100 kept floats, 1000 bits of mask, the bias: (3200 + 1000 + 3200) / 35200.
        pytest.param(LayerPlan("a", "", "", threshold=0.1, num_kept=100), 7400 / 35_200, id="pruned to a tenth"),
        # A mask would cost more than it saves: 950 · 4 + 1000 bits against 4000.
        pytest.param(
            LayerPlan("a", "", "", threshold=0.1, num_kept=950, weights=WeightSettings(4)),
            7200 / 35_200,
            id="few zeros",
        ),
        # No mask stands for an asymmetric zero: 8000 + 3200.
        pytest.param(
            LayerPlan("a", "", "", threshold=0.1, num_kept=100, weights=WeightSettings(8, symmetric=False)),
            11_200 / 35_200,
            id="asymmetric",
        ),
    ],
)
def test_the_full_part_of_a_bar_is_the_bits_that_are_kept(entry: LayerPlan | None, expected: float) -> None:
    layer = _layer("a", num_weights=1000, num_params=1100)

    assert kept_fraction(layer, entry) == pytest.approx(expected)


def test_a_layer_that_lost_channels_is_drawn_as_far_as_it_is_left() -> None:
    layer = _layer("a", num_weights=1000, num_params=1100)

    # 500 floats and the bias, of 1100.
    assert kept_fraction(layer, LayerPlan("a", "", "remove 5 of 10 filters"), 0.5) == pytest.approx(600 / 1100)
    # 500 codes of 4 bits, and the bias.
    entry = LayerPlan("a", "", "", weights=WeightSettings(4))
    assert kept_fraction(layer, entry, 0.5) == pytest.approx((2000 + 3200) / 35_200)


def _bar_widths(drawing: str, style: str) -> list[float]:
    return [float(width) for width in re.findall(rf'class="{style}"[^>]* width="([\d.]+)"', drawing)]
