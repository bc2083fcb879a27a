"""What one node gives for constants."""

import numpy as np
import pytest
from onnx import helper

from workbench.engine.graph.node_value import node_value

_TWO = np.array([1.0, 2.0], np.float32)


def test_a_node_s_value():
    node = helper.make_node("Mul", ["a", "b"], ["c"])

    assert node_value(node, {"a": _TWO, "b": np.array([3.0], np.float32)}, 13).tolist() == [3, 6]


def test_an_input_that_is_read_twice():
    assert node_value(helper.make_node("Add", ["a", "a"], ["c"]), {"a": _TWO}, 13).tolist() == [2, 4]


def test_an_input_that_is_left_out():
    node = helper.make_node("Clip", ["a", "", "most"], ["c"])

    assert node_value(node, {"a": _TWO, "most": np.array(1.5, np.float32)}, 13).tolist() == [1, 1.5]


@pytest.mark.parametrize("opset", [11, 13])
def test_axes_are_an_attribute_before_opset_13_and_an_input_since(opset: int):
    values = {"a": np.zeros((1, 2)), "axes": np.array([0])}
    node = helper.make_node("Squeeze", ["a"], ["c"], axes=[0])
    node = helper.make_node("Squeeze", ["a", "axes"], ["c"]) if opset >= 13 else node

    assert node_value(node, values, opset).shape == (2,)


def test_an_operator_that_is_not_known_has_no_value():
    assert node_value(helper.make_node("Mystery", ["a"], ["c"]), {"a": _TWO}, 13) is None


def test_values_that_do_not_fit_have_no_value():
    node = helper.make_node("Reshape", ["a", "shape"], ["c"])

    assert node_value(node, {"a": _TWO, "shape": np.array([3])}, 13) is None


def test_a_sequence_is_no_value():
    assert node_value(helper.make_node("SequenceConstruct", ["a"], ["c"]), {"a": _TWO}, 13) is None
