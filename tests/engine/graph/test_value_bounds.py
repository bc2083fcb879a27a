"""Bounds on what a node makes, against what onnx's reference makes."""

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from workbench.engine.graph.value_bounds import most_entries

_A, _B = np.ones((3, 4), np.float32), np.ones((4, 5), np.float32)
_CASES = [
    ("ConstantOfShape", [np.array([3, 7])], {}, True),
    ("Tile", [_A, np.array([2, 3])], {}, True),
    ("Expand", [np.ones((4, 1), np.float32), np.array([2, 1, 6])], {}, True),
    ("Expand", [np.ones((300, 20), np.float32), np.array([300, 20])], {}, True),
    ("Range", [np.array(2), np.array(11), np.array(3)], {}, True),
    ("Range", [np.array(9), np.array(1), np.array(-2)], {}, True),
    ("OneHot", [np.array([0, 2]), np.array(5), np.array([0.0, 1.0], np.float32)], {}, True),
    ("MatMul", [_A, _B], {}, True),
    ("MatMul", [np.ones((2, 3, 4), np.float32), _B], {}, True),
    ("MatMul", [np.ones(4, np.float32), _B], {}, True),
    ("Gemm", [_A.T.copy(), _B], {"transA": 1}, True),
    ("Gather", [_A, np.array([[0, 1], [1, 1]])], {"axis": 1}, True),
    ("Add", [np.ones((3, 1), np.float32), np.ones(5, np.float32)], {}, True),
    ("Transpose", [_A], {}, True),
    ("Concat", [_A, np.ones((2, 4), np.float32)], {"axis": 0}, True),
    ("Pad", [_A, np.array([1, 0, 2, 3])], {}, False),
    ("GatherND", [_A, np.array([[0, 1], [2, 2]])], {}, False),
    ("Einsum", [_A, _B], {"equation": "ij,jk->ik"}, False),
]


@pytest.mark.parametrize(("op_type", "inputs", "attributes", "is_exact"), _CASES)
def test_no_node_makes_more_than_its_bound(op_type: str, inputs: list[np.ndarray], attributes: dict, is_exact: bool):
    names = [f"i{place}" for place in range(len(inputs))]
    node = helper.make_node(op_type, names, ["out"], **attributes)
    infos = [helper.make_tensor_value_info(name, 1, None) for name in (*names, "out")]
    graph = helper.make_graph([node], "one", infos[:-1], infos[-1:])
    made = ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]))
    size = made.run(None, dict(zip(names, inputs, strict=True)))[0].size

    bound = most_entries(node, inputs)

    assert bound == size if is_exact else bound >= size


def test_a_bound_does_not_overflow():
    node = helper.make_node("ConstantOfShape", ["shape"], ["out"])

    assert most_entries(node, [np.array([1 << 40, 1 << 40])]) == 1 << 80
