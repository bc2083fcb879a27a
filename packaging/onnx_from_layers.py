"""The demo network as an ONNX graph, opset 13, with a free batch size.

Written node by node: the names stay short and the same from one version of torch to the next.
"""

import onnx
from digits_network import FoldedLayer
from onnx import TensorProto, helper, numpy_helper

_OPSET = 13
# The lowest IR version that goes with opset 13, so that old runtimes open the file too.
_IR_VERSION = 7


def build_onnx(
    layers: dict[str, FoldedLayer], *, input_shape: tuple[str | int, ...], output_shape: tuple[str | int, ...]
) -> onnx.ModelProto:
    """The checked model: input "image", output "scores", weights named `<layer>.weight` and `<layer>.bias`."""
    graph = helper.make_graph(
        _nodes(layers),
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, output_shape)],
        [
            numpy_helper.from_array(array, f"{layer.name}.{part}")
            for layer in layers.values()
            for part, array in (("weight", layer.weight), ("bias", layer.bias))
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], producer_name="make_demo", ir_version=_IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _nodes(layers: dict[str, FoldedLayer]) -> list[onnx.NodeProto]:
    """The same wiring as `DigitsNetwork.forward`."""
    return [
        _conv(layers["stem"], "image"),
        _relu("stem"),
        _conv(layers["residual_1"], "stem_relu"),
        _relu("residual_1"),
        _conv(layers["residual_2"], "residual_1_relu"),
        _add("residual", "residual_2", "stem_relu"),
        _relu("residual"),
        _conv(layers["expand"], "residual_relu"),
        _relu("expand"),
        _conv(layers["depthwise"], "expand_relu"),
        _relu("depthwise"),
        _conv(layers["project"], "depthwise_relu"),
        _add("bottleneck", "project", "residual_relu"),
        _conv(layers["down_expand"], "bottleneck"),
        _relu("down_expand"),
        _conv(layers["down_depthwise"], "down_expand_relu"),
        _relu("down_depthwise"),
        _conv(layers["down_project"], "down_depthwise_relu"),
        _relu("down_project"),
        helper.make_node("Flatten", ["down_project_relu"], ["features"], name="features", axis=1),
        _gemm(layers["hidden"], "features", "hidden"),
        _relu("hidden"),
        _gemm(layers["head"], "hidden_relu", "scores"),
    ]


def _conv(layer: FoldedLayer, source: str) -> onnx.NodeProto:
    kernel = layer.weight.shape[2:]
    padding = [side // 2 for side in kernel]
    return helper.make_node(
        "Conv",
        [source, f"{layer.name}.weight", f"{layer.name}.bias"],
        [layer.name],
        name=layer.name,
        kernel_shape=kernel,
        strides=[layer.stride] * 2,
        pads=padding * 2,
        group=layer.groups,
    )


def _relu(source: str) -> onnx.NodeProto:
    return helper.make_node("Relu", [source], [f"{source}_relu"], name=f"{source}_relu")


def _add(name: str, left: str, right: str) -> onnx.NodeProto:
    return helper.make_node("Add", [left, right], [name], name=name)


def _gemm(layer: FoldedLayer, source: str, output: str) -> onnx.NodeProto:
    return helper.make_node(
        "Gemm", [source, f"{layer.name}.weight", f"{layer.name}.bias"], [output], name=layer.name, transB=1
    )
