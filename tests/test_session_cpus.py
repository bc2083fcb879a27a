"""Evaluating by the rules of other processors, through the session's verbs."""

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from workbench.engine.core.cpu_rules import CpuRules
from workbench.engine.core.cpu_texts import cpu_hint, cpu_verdict
from workbench.engine.core.measurement import Origin
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.engine.runtime.saturation import saturates
from workbench.jobs import Cancelled, JobContext, Progress
from workbench.session import Session

# All 40 where sums are exact; where pairs saturate the ten dark samples alone.
_RIGHT = {CpuRules.EXACT: 1.0, CpuRules.SATURATING: 0.25}


@pytest.fixture
def torn(torn_model: Path, torn_samples: Path) -> Session:
    session = Session()
    session.open_model(torn_model)
    session.open_data(torn_samples)
    return session


def _demo(demo_folder: Path) -> Session:
    session = Session()
    session.open_model(demo_folder / "digits.onnx")
    session.open_data(demo_folder / "digits.npz")
    return session


@pytest.mark.parametrize("rules", _RIGHT, ids=str)
def test_every_rule_gives_the_accuracy_that_was_worked_out_for_it(torn: Session, rules: CpuRules):
    *_, report = torn.evaluate_on_cpu(rules)

    assert report.evaluation.figure.value == _RIGHT[rules]
    assert report.evaluation.figure.origin is Origin.ESTIMATED
    assert report.is_emulated
    assert report.left_out == ()


def test_this_computer_does_what_one_of_the_rules_says(torn: Session):
    *_, report = torn.evaluate_on_cpu(CpuRules.THIS)

    here = {True: CpuRules.SATURATING, False: CpuRules.EXACT}.get(saturates())
    assert report.evaluation.figure.value in ([_RIGHT[here]] if here else _RIGHT.values())
    assert report.evaluation.figure.origin is Origin.MEASURED
    assert not report.is_emulated
    assert report.evaluation.difference is None


def test_the_most_saturated_layer_is_named_with_its_share(torn: Session):
    *_, report = torn.evaluate_on_cpu(CpuRules.SATURATING)

    (layer,) = report.layers
    # One output of two, in 30 samples of 40.
    assert (layer.num_pairs, layer.share) == (1, pytest.approx(30 / 80))


def test_a_comparison_has_this_computer_first_and_differences_to_it(torn: Session):
    states = list(torn.compare_cpus())

    assert [len(state.rows) for state in states] == [1, 2, 3]
    this, exact, saturating = states[-1].rows
    assert [row.rules for row in states[-1].rows] == [CpuRules.THIS, CpuRules.EXACT, CpuRules.SATURATING]
    for row in (exact, saturating):
        expected = _RIGHT[row.rules] - this.evaluation.figure.value
        assert row.evaluation.difference.value == pytest.approx(expected)
        assert (row.evaluation.agreement.value == 1) is (expected == 0)
    assert "reduce_range" in cpu_hint(states[-1])


@pytest.mark.skipif(saturates() is None, reason="it is not known whether this computer saturates")
def test_the_verdict_says_how_the_other_kind_of_processor_differs(torn: Session):
    *_, comparison = torn.compare_cpus()

    verdict = cpu_verdict(comparison)
    expected = "+75.0 pp" if saturates() else "−75.0 pp"
    assert verdict.startswith("This computer saturates; where" if saturates() else "This computer does not saturate;")
    assert expected in verdict


def test_a_reduced_range_makes_every_processor_compute_the_same(demo_folder: Path):
    session = _demo(demo_folder)
    weights = WeightRule(bits=8, reduce_range=True)
    recipe = Recipe().with_rule("*", weights=weights, activations=ActivationRule(bits=8))

    *_, comparison = session.compare_cpus(recipe, limit=100)

    assert [row.evaluation.agreement.value for row in comparison.rows[1:]] == [1.0, 1.0]
    assert comparison.row(CpuRules.SATURATING).layers == ()
    assert cpu_verdict(comparison).startswith("No pair of weights can saturate")
    assert cpu_hint(comparison) == ""


def test_of_a_model_in_float_no_verdict_is_given_of_other_processors(demo_folder: Path):
    *_, comparison = _demo(demo_folder).compare_cpus(limit=20)

    assert cpu_verdict(comparison).startswith("Nothing of it is computed on integers")


@pytest.mark.skipif(saturates() is None, reason="it is not known whether this computer saturates")
def test_the_emulation_of_what_this_computer_is_answers_as_it_does(demo_folder: Path):
    session = _demo(demo_folder)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8))

    *_, comparison = session.compare_cpus(recipe, limit=200)

    same, other = (CpuRules.SATURATING, CpuRules.EXACT) if saturates() else (CpuRules.EXACT, CpuRules.SATURATING)
    assert comparison.row(same).evaluation.kl_divergence.value == 0
    assert comparison.row(other).evaluation.kl_divergence.value > 0
    names = {layer.name for layer in session.open_model(demo_folder / "digits.onnx").layers}
    assert {layer.layer for layer in comparison.row(CpuRules.SATURATING).layers} <= names


def test_a_layer_with_ranges_found_at_run_time_is_called_by_its_name(tmp_path: Path):
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 13]>
        m (float[N,32] x) => (float[N,4] z) { y = MatMul(x, w) z = Relu(y) }
    """)
    weight = np.random.default_rng(0).uniform(0.5, 1, (32, 4)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weight, "w"))
    model.graph.node[0].name = "fc"
    onnx.save(model, tmp_path / "m.onnx")
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(1).uniform(0, 1, (20, 32)).astype(np.float32))
    session = Session()
    session.open_model(tmp_path / "m.onnx")
    session.open_data(tmp_path / "d.npz", {"scale": 1.0, "mean": 0.0, "std": 1.0})
    activations = ActivationRule(bits=8, range="dynamic")
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=activations)

    *_, report = session.evaluate_on_cpu(CpuRules.SATURATING, recipe)

    assert [layer.layer for layer in report.layers] == ["fc"]
    assert report.layers[0].share > 0.9


def test_another_model_can_be_what_an_emulation_is_compared_with(torn: Session, torn_model: Path):
    *_, report = torn.evaluate_on_cpu(CpuRules.EXACT, against=torn_model)

    this = report.evaluation.reference.value
    assert report.evaluation.difference.value == pytest.approx(1.0 - this)


def test_without_labels_it_is_agreement_with_this_computer_that_is_told(torn: Session, torn_samples: Path):
    bare = torn_samples.with_name("bare.npz")
    np.savez(bare, x=np.load(torn_samples)["x"])
    torn.open_data(bare, {"scale": 1.0, "mean": 0.0, "std": 1.0, "layout": "raw"})

    *_, comparison = torn.compare_cpus()

    assert comparison.rows[0].evaluation.metric == "agreement"
    assert sorted(row.evaluation.figure.value for row in comparison.rows[1:])[-1] == 1.0


def test_a_comparison_stops_when_it_is_asked_to(torn: Session):
    seen: list[float] = []

    def stop(progress: Progress) -> None:
        seen.append(progress.fraction)
        ctx.cancel()

    ctx = JobContext(stop)
    with pytest.raises(Cancelled):
        list(torn.compare_cpus(ctx=ctx))

    assert max(seen) < 1


@pytest.mark.slow
@pytest.mark.skipif(not saturates(), reason="this computer does not saturate")
def test_emulated_answers_to_five_hundred_pictures_are_those_of_this_computer(shared_data: Path):
    session = Session()
    session.open_model(shared_data / "models/cifar10/resnet20_cifar10_opset13.onnx")
    given = {"scale": 1 / 255, "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
    session.open_data(shared_data / "models/cifar10/cifar10_test_jpeg_halfA.zip", given)
    recipe = Recipe().with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8))

    *_, comparison = session.compare_cpus(recipe, limit=500)

    saturating, exact = (comparison.row(rules).evaluation for rules in (CpuRules.SATURATING, CpuRules.EXACT))
    assert (saturating.agreement.value, saturating.kl_divergence.value) == (1.0, 0.0)
    assert exact.agreement.value < 0.95
