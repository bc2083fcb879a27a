import numpy as np
import onnx
import onnxruntime as ort
import pytest

from workbench.engine.compress.rounding.output_problem import ProblemGathering, geometry_of

_CASES = {
    "plain": ("pads = [0,0,0,0]", (5, 4, 3, 3)),
    "padded, with strides": ("pads = [1,0,2,1], strides = [2,1]", (5, 4, 3, 2)),
    "dilated": ("dilations = [2,3], pads = [2,2,2,2]", (5, 4, 3, 3)),
    "same size, odd behind": ('auto_pad = "SAME_UPPER", strides = [2,3]', (5, 4, 3, 2)),
    "same size, odd before": ('auto_pad = "SAME_LOWER", strides = [1,2]', (5, 4, 2, 2)),
    "valid": ('auto_pad = "VALID", strides = [2,2]', (5, 4, 3, 3)),
    "in groups": ("group = 2, pads = [1,1,1,1]", (6, 2, 3, 3)),
    "depthwise": ("group = 4, pads = [1,1,1,1]", (4, 1, 3, 3)),
}


@pytest.mark.parametrize(("attributes", "shape"), _CASES.values(), ids=_CASES.keys())
def test_the_matrices_are_those_of_the_convolution_that_onnxruntime_runs(attributes: str, shape: tuple[int, ...]):
    random = np.random.default_rng(2)
    weight = random.normal(size=shape).astype(np.float32)
    x = random.normal(size=(3, 4, 9, 8)).astype(np.float32)
    proto = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 13]> m (float[N,4,9,8] x, float{list(shape)} w) => (float[N,C,H,W] y)'
        f" {{ y = Conv<{attributes}>(x, w) }}"
    )
    session = ort.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"x": x, "w": weight})[0]
    geometry = geometry_of(proto.graph.node[0], shape)
    gathering = ProblemGathering(geometry, int(np.prod(shape[1:])), 3, seed=0, centered=False)

    gathering.add(x, outputs)

    problem = gathering.problem()
    groups = geometry.num_groups
    matrix = weight.reshape(groups, shape[0] // groups, -1)
    # The outputs are linear in the weights, so E[x t'] = E[x x'] w', for each group by itself.
    expected = np.einsum("gkl,gnl->gkn", problem.inputs, matrix)
    np.testing.assert_allclose(problem.wanted, expected, rtol=1e-3, atol=1e-4)
    # All places of these small outputs are looked at, so the mean square is that of the outputs.
    square = np.einsum("gnk,gkn->gn", matrix, problem.wanted).reshape(-1)
    np.testing.assert_allclose(square, np.square(outputs).mean(axis=(0, 2, 3)), rtol=1e-3)


def test_the_bias_gives_the_wanted_mean():
    random = np.random.default_rng(0)
    x, t = random.normal(size=(50, 7)).astype(np.float32) + 3, random.normal(size=(50, 4)).astype(np.float32)
    weight = random.normal(size=(1, 4, 7))
    proto = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 13]> m (float[N,7] x, float[7,4] w) => (float[N,4] y) { y = Gemm(x, w) }'
    )
    gathering = ProblemGathering(geometry_of(proto.graph.node[0], (7, 4)), 7, 50, seed=0, centered=True)

    gathering.add(x[:20], t[:20])
    gathering.add(x[20:], t[20:])

    bias = gathering.bias(weight)
    np.testing.assert_allclose((x @ weight[0].T + bias).mean(axis=0), t.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(gathering.problem().inputs[0], np.cov(x.T, bias=True), rtol=1e-3, atol=1e-4)
