import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.engine.core.footprint import Encoding, Headers, HeaderSize, header_keys
from workbench.engine.core.recipe import ActivationRule, Prune, Recipe, Rule, WeightRule
from workbench.engine.core.reports import LayerFootprint, ModelFootprint
from workbench.gui.instant import instant_size
from workbench.session import Session

# Numbers from 128 on take a second byte: an array's shape, its bytes, and the tensor with 13 bytes of fields.
_LONG_SHAPE, _LONG_DATA, _LONG_TENSOR = 1, 1, 1
_LONG = _LONG_SHAPE + _LONG_DATA + _LONG_TENSOR
_OVERHEAD = {Encoding.DENSE: 20, Encoding.BITS: 300, Encoding.MASK: 500, Encoding.PLAIN: 100}


def footprint_of(model):
    headers = Headers({key: HeaderSize(_OVERHEAD[key[0]]) for key in header_keys()})
    entries = (
        LayerFootprint(
            layer.name,
            number=0,
            original_bytes=4 * layer.num_weights + 20,
            headers=headers,
            fixed_bytes=0,
            num_channels=layer.weight_shape[0],
            num_rows=layer.weight_shape[0],
            row_length=layer.num_weights // layer.weight_shape[0],
        )
        for layer in model.layers
    )
    return ModelFootprint(
        model.file_bytes,
        dict.fromkeys((8, 11, 13, 21), model.file_bytes),
        tuple(entries),
        {("codes", 4, 0): 70, ("mask", 1, 0): 200},
    )


@pytest.fixture
def two_layers(make_layer, make_model):
    # 1,000 weights 0.001 … 1.000 in 10 channels, and as many of twice the size.
    even = (np.arange(1, 1001, dtype=np.float32) / 1000).reshape(10, 100)
    model = make_model(make_layer("a", even), make_layer("b", 2 * even))
    return model, footprint_of(model)


def test_an_empty_recipe_is_the_file_as_it_is(two_layers):
    model, footprint = two_layers

    size = instant_size(model, footprint, Recipe())

    assert size.total_bytes == model.file_bytes
    assert size.layers == {"a": 4020, "b": 4020}
    assert (size.num_zeros, size.mean_bits) == (0, 32.0)


def test_four_bits_are_counted_with_scales_headers_and_the_shared_table_once(two_layers):
    model, footprint = two_layers

    size = instant_size(model, footprint, Recipe().with_rule("*", weights=WeightRule(bits=4)))

    # 1,000 codes of half a byte, 10 scales of four, 300 of headers; 70 for the table of both.
    assert size.layers == {"a": 840 + _LONG, "b": 840 + _LONG}
    assert size.total_bytes == model.file_bytes - 2 * 4020 + 2 * (840 + _LONG) + 70
    assert size.mean_bits == 4


@pytest.mark.parametrize("bits", [9, 12, 16])
def test_more_than_eight_bits_take_two_bytes_a_weight(two_layers, bits):
    model, footprint = two_layers

    size = instant_size(model, footprint, Recipe().with_rule("a", weights=WeightRule(bits=bits)))

    # 1,000 codes of two bytes, 10 scales of four, 300 of headers.
    assert size.layers["a"] == 2340 + _LONG


def test_float16_takes_two_bytes_where_it_holds_the_weights(make_layer, make_model):
    small = np.linspace(-1, 1, 1000, dtype=np.float32).reshape(10, 100)
    model = make_model(make_layer("small", small), make_layer("large", 70_000 * small))
    recipe = Recipe().with_rule("*", weights=WeightRule(bits="float16"))

    size = instant_size(model, footprint_of(model), recipe)

    assert size.layers == {"small": 2000 + _LONG_DATA + _LONG_TENSOR + 20, "large": 4020}


@pytest.mark.parametrize(
    ("granularity", "scale_bytes"),
    [("per_tensor", 4), ("per_channel", 40), ("per_group_32", 160 + _LONG_DATA + _LONG_TENSOR), ("per_group_200", 40)],
)
def test_scales_follow_the_granularity(two_layers, granularity, scale_bytes):
    model, footprint = two_layers
    rule = WeightRule(bits=4, granularity=granularity)

    assert (
        instant_size(model, footprint, Recipe().with_rule("a", weights=rule)).layers["a"] == 800 + _LONG + scale_bytes
    )


def test_ninety_percent_zeros_are_stored_as_mask_and_values(two_layers):
    model, footprint = two_layers
    recipe = Recipe().with_rule("a", prune=Prune("weights", sparsity=0.9))

    size = instant_size(model, footprint, recipe)

    # 125 bytes of mask, 100 floats, 500 of headers, and the 200 that the first mask of the file adds.
    stored = 125 + _LONG_TENSOR + 400 + _LONG_DATA + _LONG_TENSOR + 500
    assert size.layers == {"a": stored, "b": 4020}
    assert size.total_bytes == model.file_bytes - 4020 + stored + 200
    assert size.num_zeros == 900
    assert size.sparsity == 0.45


def test_a_threshold_is_read_from_the_table(two_layers):
    model, footprint = two_layers

    size = instant_size(model, footprint, Recipe().with_rule("b", prune=Prune("weights", threshold=1.0)))

    # 499 of the weights 0.002 … 2.000 are smaller than 1; the table has steps of two thousandths.
    assert abs(size.num_zeros - 499) <= 1


def test_one_global_threshold_takes_more_from_the_smaller_weights(two_layers):
    model, footprint = two_layers
    recipe = Recipe().with_rule("*", prune=Prune("weights", sparsity=0.6, scope="global"))

    size = instant_size(model, footprint, recipe)

    # |w| < θ: 1,000·θ of a and 500·θ of b; 1,200 in all at θ = 0.8: 800 of a, 400 of b.
    assert abs(size.num_zeros - 1200) <= 2
    assert abs(size.layers["a"] - (500 + 125 + 4 * 200)) <= 8
    without_values = 500 + 125 + _LONG_TENSOR + _LONG
    zeros_of_b = size.num_zeros - (1000 - (size.layers["a"] - without_values) // 4)
    assert size.layers["b"] == without_values + 4 * (1000 - zeros_of_b)


def test_what_the_plan_leaves_in_float_costs_nothing(two_layers):
    model, footprint = two_layers
    plain = replace(Recipe().with_rule("*", weights=WeightRule(bits=9)), encoding="plain")

    for recipe in (
        Recipe().with_rule("*", weights=WeightRule(bits=4, range="entropy")),
        plain,
    ):
        assert instant_size(model, footprint, recipe).total_bytes == model.file_bytes


@pytest.mark.parametrize(
    ("bits", "granularity", "expected"),
    [
        # A container byte a weight in the weight's own shape, four bytes a scale and one a zero point.
        (5, "per_channel", 1000 + _LONG_DATA + _LONG_TENSOR + 40 + 10),
        # Two weights a byte, and two zero points.
        (2, "per_channel", 500 + _LONG_DATA + _LONG_TENSOR + 40 + 5),
        (4, "per_channel", 500 + _LONG_DATA + _LONG_TENSOR + 40 + 5),
        (4, "per_tensor", 500 + _LONG_DATA + _LONG_TENSOR + 4 + 1),
        # Rows of 100 weights in blocks of 40: three of them, the last one shorter.
        (4, "per_group_40", 500 + _LONG_DATA + _LONG_TENSOR + 120 + _LONG_TENSOR + 15),
        (8, "per_group_40", 1000 + _LONG_DATA + _LONG_TENSOR + 120 + _LONG_TENSOR + 30),
        # A group for the whole row is a scale a channel.
        (4, "per_group_100", 500 + _LONG_DATA + _LONG_TENSOR + 40 + 5),
    ],
)
def test_the_plain_encoding_keeps_half_bytes_and_whole_bytes(two_layers, bits, granularity, expected):
    model, footprint = two_layers
    rule = WeightRule(bits=bits, granularity=granularity)
    recipe = replace(Recipe().with_rule("a", weights=rule), encoding="plain")

    assert instant_size(model, footprint, recipe).layers["a"] == expected + 100


def test_a_model_that_cannot_be_raised_keeps_whole_bytes_and_no_groups(two_layers):
    model, footprint = two_layers
    stuck = replace(footprint, largest_opset=13)
    bits, groups = WeightRule(bits=4), WeightRule(bits=4, granularity="per_group_20")
    recipe = replace(Recipe().with_rule("a", weights=bits).with_rule("b", weights=groups), encoding="plain")

    size = instant_size(model, stuck, recipe)

    assert size.layers == {"a": 1000 + _LONG_DATA + _LONG_TENSOR + 40 + 10 + 100, "b": 4020}


def test_moves_give_what_a_fresh_start_gives(make_layer, make_model):
    random = np.random.default_rng(0)
    weights = [random.normal(size=(4, 50)).astype(np.float32) for _ in range(6)]
    model = make_model(*(make_layer(f"l{number}", weight) for number, weight in enumerate(weights)))
    footprint = footprint_of(model)
    recipe = Recipe()
    for _ in range(60):
        select = random.choice(["*", "l1", "l2", "l[34]", "op:Conv", "op:Gemm"])
        scope = str(random.choice(["layer", "global"]))
        prune = Prune("weights", sparsity=round(float(random.random()), 2), scope=scope)
        weights_rule = WeightRule(bits=int(random.integers(2, 9)))
        recipe = recipe.with_rule(str(select), prune=prune if random.random() < 0.6 else None, weights=weights_rule)
        if random.random() < 0.2:
            recipe = recipe.without(["l1"])

        moved = instant_size(model, footprint, recipe)

        # Another model object is another start; its layers are the same.
        assert moved == instant_size(replace(model), footprint, recipe)
        assert moved == instant_size(model, footprint, recipe)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe().with_rule("*", weights=WeightRule(bits=4, granularity="per_channel")),
        Recipe().with_rule("*", weights=WeightRule(bits=3, granularity="per_tensor", symmetric=False)),
        Recipe().with_rule("*", weights=WeightRule(bits=5, granularity="per_group_20")),
        Recipe().with_rule("*", prune=Prune("weights", sparsity=0.8)),
        Recipe().with_rule("*", prune=Prune("weights", sparsity=0.9), weights=WeightRule(bits=6)),
        Recipe().with_rule("*", prune=Prune("weights", pattern="1:4")),
        Recipe().with_rule("*", prune=Prune("weights", pattern="2x4", sparsity=0.7), weights=WeightRule(bits=6)),
        replace(Recipe().with_rule("*", weights=WeightRule(bits=8)), encoding="plain"),
        replace(Recipe().with_rule("*", weights=WeightRule(bits=3, symmetric=False)), encoding="plain"),
        replace(Recipe().with_rule("*", weights=WeightRule(bits=4, granularity="per_group_8")), encoding="plain"),
    ],
    ids=["4bit", "3bit-asymmetric", "5bit-ragged", "sparse", "sparse-6bit", "1:4", "2x4", "plain", "int4", "blocks"],
)
def test_the_estimate_is_within_half_a_percent_of_the_file(demo_folder: Path, recipe: Recipe):
    session = Session()
    model = session.open_model(demo_folder / "digits.onnx")

    estimated = instant_size(model, session.footprint(), recipe).total_bytes

    assert estimated == pytest.approx(session.preview_bytes(recipe), rel=0.005)


def test_a_weight_that_two_layers_share_is_counted_once(make_layer, make_model):
    weight = np.linspace(-1, 1, 1000, dtype=np.float32).reshape(10, 100)
    first, second = make_layer("a", weight), make_layer("b", weight)
    model = make_model(replace(first, shares_weights_with=("b",)), replace(second, shares_weights_with=("a",)))
    footprint = replace(footprint_of(model), shared_overhead={})
    four_bits = WeightRule(bits=4)

    both = instant_size(model, footprint, Recipe().with_rule("*", weights=four_bits))
    one = instant_size(model, footprint, Recipe().with_rule("a", weights=four_bits))

    assert both.total_bytes == model.file_bytes - 4020 + 840 + _LONG
    assert one.total_bytes == model.file_bytes + 840 + _LONG


@pytest.mark.parametrize("select", ["l5", "*"], ids=["one layer", "all layers"])
def test_a_move_among_a_thousand_layers_is_quick(make_layer, make_model, select):
    weight = np.random.default_rng(0).normal(size=(8, 4, 3, 3)).astype(np.float32)
    model = make_model(*(make_layer(f"l{number}", weight) for number in range(1000)))
    footprint = footprint_of(model)
    base = Recipe().with_rule("*", weights=WeightRule(bits=4))
    began = time.perf_counter()
    instant_size(model, footprint, base)
    anew = time.perf_counter() - began
    seconds = []
    for step in range(1, 12):
        recipe = base.with_rule(select, prune=Prune("weights", sparsity=step / 100))
        began = time.perf_counter()
        instant_size(model, footprint, recipe)
        seconds.append(time.perf_counter() - began)

    # What is known of the layers is not found again.
    assert sorted(seconds)[5] < anew / 3


def test_two_rules_that_share_one_global_pruning_have_a_threshold_each(make_layer, make_model):
    # In one rule the threshold for half of all would zero the small layer whole and leave the large one alone.
    even = np.linspace(0.01, 1, 1000, dtype=np.float32).reshape(10, 100)
    model = make_model(make_layer("small", even), make_layer("large", 10 + even))
    prune = Prune("weights", sparsity=0.5, scope="global")
    rules = Recipe((Rule(("small",), prune=prune), Rule(("large",), prune=prune)))

    apart = instant_size(model, footprint_of(model), rules)
    together = instant_size(model, footprint_of(model), Recipe((Rule(("small", "large"), prune=prune),)))

    assert apart.layers["small"] == apart.layers["large"]
    assert together.layers["small"] < apart.layers["small"] < together.layers["large"]


def test_weights_on_few_levels_are_foreseen_with_one_threshold_for_all(shared_data: Path):
    session = Session()
    model = session.open_model(shared_data / "models/imagenet_sample/mobilenet_v1_0_5_224.float.onnx")

    for sparsity in (0.1, 0.5, 0.9):
        recipe = Recipe().with_rule("*", prune=Prune("weights", sparsity=sparsity, scope="global"))
        estimated = instant_size(model, session.footprint(), recipe).total_bytes
        assert estimated == pytest.approx(session.preview_bytes(recipe), rel=0.0005)


@pytest.mark.parametrize(
    "name",
    [
        "cifar10/resnet20_cifar10_opset13.onnx",
        "fashion_mnist/fmnist_shuf_dynamo.onnx",
        "fashion_mnist/fmnist_vit_legacy.onnx",
    ],
)
def test_the_estimate_holds_on_real_models(shared_data: Path, name: str):
    session = Session()
    model = session.open_model(shared_data / "models" / name)
    footprint = session.footprint()

    for recipe in (
        Recipe().with_rule("*", weights=WeightRule(bits=2, granularity="per_group_32")),
        Recipe().with_rule("*", prune=Prune("weights", threshold=0.03), weights=WeightRule(bits=7, symmetric=False)),
        Recipe().with_rule("*", prune=Prune("weights", sparsity=0.9, scope="global"), weights=WeightRule(bits=6)),
        Recipe().with_rule("*", prune=Prune("weights", sparsity=0.02)),
    ):
        estimated = instant_size(model, footprint, recipe).total_bytes
        assert estimated == pytest.approx(session.preview_bytes(recipe), rel=0.005)


@pytest.mark.parametrize("bits", range(2, 9))
def test_the_window_chooses_storages_as_the_file_is_written(shared_data: Path, bits: int):
    session = Session()
    model = session.open_model(shared_data / "models/hand_gesture/keypoint_classifier.onnx")
    footprint = session.footprint()

    for weights in (WeightRule(bits=bits), WeightRule(bits=bits, symmetric=False)):
        whole = Recipe().with_rule("*", weights=weights)
        for recipe in (whole, whole.with_rule("*", prune=Prune("weights", sparsity=0.8))):
            estimated = instant_size(model, footprint, recipe).total_bytes
            assert estimated == pytest.approx(session.preview_bytes(recipe), abs=3)


@pytest.mark.parametrize(
    ("name", "opset"),
    [
        ("cifar10/resnet20_cifar10_opset13.onnx", 13),
        ("fashion_mnist/fmnist_vit_legacy.onnx", 17),
        ("hand_gesture/keypoint_classifier.onnx", 13),
        ("mnist/mnist-net_256x2.onnx", 9),
        ("ultraface/version-RFB-320_simplified.onnx", 9),
    ],
)
def test_the_window_foresees_standard_containers_to_a_few_bytes(shared_data: Path, name: str, opset: int):
    session = Session()
    model = session.open_model(shared_data / "models" / name)
    footprint = session.footprint()
    assert model.opset == opset

    for weights in (
        WeightRule(bits=4),
        WeightRule(bits=2, symmetric=False, granularity="per_tensor"),
        WeightRule(bits=4, symmetric=False, granularity="per_group_32"),
        WeightRule(bits=8, granularity="per_group_15"),
        WeightRule(bits=6),
    ):
        whole = replace(Recipe().with_rule("*", weights=weights), encoding="plain")
        for recipe in (whole, whole.with_rule("*", prune=Prune("weights", sparsity=0.5))):
            estimated = instant_size(model, footprint, recipe).total_bytes
            assert estimated == pytest.approx(session.preview_bytes(recipe), abs=3)


def test_ranges_at_run_time_take_whole_bytes_as_the_file_does(shared_data: Path):
    session = Session()
    model = session.open_model(shared_data / "models/fashion_mnist/fmnist_vit_legacy.onnx")
    rule = WeightRule(bits=4)
    recipe = Recipe().with_rule("*", weights=rule, activations=ActivationRule(bits=8, range="dynamic"))
    recipe = replace(recipe, encoding="plain")

    estimated = instant_size(model, session.footprint(), recipe).total_bytes

    # What multiplies at run time is not foreseen; 36 layers of four nodes.
    assert estimated == pytest.approx(session.preview_bytes(recipe), rel=0.01)
