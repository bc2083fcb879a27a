"""Why what is done to a layer is not what somebody may have meant."""

import numpy as np
import pytest

from workbench.engine.compress.plan import resolve_plan
from workbench.engine.core.layer import Layer, ModelInfo
from workbench.engine.core.recipe import ActivationRule, Prune, Recipe, WeightRule

_EMPTIED = "every weight of this layer becomes zero"


def _model(weight: np.ndarray) -> ModelInfo:
    layer = Layer("fc", "Gemm", "w", "y", weight.shape, weight.size, None, axis=0, prunable=True, quantizable=True)
    return ModelInfo("m.onnx", "0", "0", 17, 8, "", weight.size, 100, None, (), (), (layer,))


@pytest.mark.parametrize(
    ("prune", "reason"),
    [
        (Prune("weights", threshold=5.0), _EMPTIED),
        (Prune("weights", sparsity=1.0), _EMPTIED),
        (Prune("weights", threshold=0.3), ""),
    ],
    ids=["threshold above all", "all of them", "some"],
)
def test_a_layer_that_is_left_without_weights_has_a_reason_to_look_at(prune: Prune, reason: str):
    weight = np.array([[0.1, -0.2], [0.4, 0.5]], np.float32)

    plan = resolve_plan(_model(weight), Recipe().with_rule("*", prune=prune), lambda _: weight)

    assert plan.layers[0].reason == reason
    # All of it was asked: there is something to look at, and nothing that was not done.
    assert plan.layers[0].is_caution is bool(reason)


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ({"weights": WeightRule(range="mse")}, "weights"),
        ({"activations": ActivationRule(range="dynamic")}, "activations"),
    ],
    ids=["weights", "activations"],
)
def test_settings_of_which_no_rule_says_the_bits_do_nothing_and_say_so(rule: dict[str, object], what: str):
    weight = np.array([[0.1, -0.2], [0.4, 0.5]], np.float32)

    plan = resolve_plan(_model(weight), Recipe().with_rule("*", **rule), lambda _: weight)

    (entry,) = plan.layers
    assert (entry.asked, entry.done) == (f"{what} without bits", "nothing")
    assert entry.reason == f"{what} stay as they are: no rule says their bits, such as bits: 8"
    assert plan.is_refused


@pytest.mark.parametrize("bits", [4, "float"])
def test_bits_of_a_later_rule_do(bits: int | str):
    weight = np.array([[0.1, -0.2], [0.4, 0.5]], np.float32)
    recipe = Recipe().with_rule("*", weights=WeightRule(range="mse")).with_rule("fc", weights=WeightRule(bits=bits))

    plan = resolve_plan(_model(weight), recipe, lambda _: weight)

    assert [entry.reason for entry in plan.layers] == ([""] if bits == 4 else [])


def test_a_layer_without_weights_left_whose_bits_are_refused_too_is_not_as_asked():
    weight = np.array([[0.1, -0.2], [0.4, 0.5]], np.float32)
    rule = {"prune": Prune("weights", sparsity=1.0), "weights": WeightRule(range="mse")}

    (entry,) = resolve_plan(_model(weight), Recipe().with_rule("*", **rule), lambda _: weight).layers

    assert _EMPTIED in entry.reason
    assert not entry.is_caution
