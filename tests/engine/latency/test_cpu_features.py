import pytest

from workbench.engine.latency.cpu_features import CPU_FEATURES, cpu_features
from workbench.engine.latency.operator import Kind, Operator


def conv(given: int, made: int, size: int, kernel: int = 3, **more: object) -> Operator:
    """A convolution that keeps the size of its map."""
    weights = given * made * kernel**2
    return Operator(
        "c", "Conv", Kind.CONV, ((given, size, size),), ((made, size, size),), (kernel, kernel),
        macs=weights * size**2, num_params=weights, **more,
    )  # fmt: skip


def test_a_pointwise_convolution_is_its_products_its_maps_and_its_weights():
    features = cpu_features(conv(16, 32, 10, kernel=1))

    assert features == {
        "n_conv": 1.0, "mac_1x1": 16 * 32 * 100 / 1e6, "e_1x1": (16 + 32) * 100 / 1e6, "w_conv": 16 * 32 / 1e6,
    }  # fmt: skip


def test_a_3x3_convolution_takes_the_cheapest_winograd_tiles():
    # 12×12 is four tiles of F(6×6), 64 products each; F(4×4) would take nine of 36.
    assert cpu_features(conv(16, 32, 12))["wino"] == pytest.approx(16 * 32 * 4 * 64 / 1e6)


def test_without_winograd_kernels_a_3x3_convolution_counts_its_products():
    features = cpu_features(conv(16, 32, 12), has_winograd=False)

    assert features["mac_gen"] == pytest.approx(16 * 32 * 9 * 144 / 1e6)
    assert "wino" not in features


def test_channels_that_fill_no_pack_cost_more():
    assert "mis8" in cpu_features(conv(16, 36, 8))
    assert "mis4" not in cpu_features(conv(16, 36, 8))
    assert {"mis4", "mis8", "emis"} <= set(cpu_features(conv(16, 37, 8)))
    assert not {"mis4", "mis8"} & set(cpu_features(conv(3, 32, 8)))


def test_an_int8_convolution_has_costs_of_its_own():
    features = cpu_features(conv(16, 32, 8, is_int8=True))

    assert all(name.endswith("_i8") for name in features)
    assert features["mac_3x3_i8"] == pytest.approx(16 * 32 * 9 * 64 / 1e6)
    assert "mac_3x3_more_i8" not in features


def test_channels_beyond_16_share_what_is_copied_for_an_int8_convolution():
    features = cpu_features(conv(64, 128, 8, is_int8=True))

    assert features["mac_3x3_i8"] == pytest.approx(16 * 128 * 9 * 64 / 1e6)
    assert features["mac_3x3_more_i8"] == pytest.approx(48 * 128 * 9 * 64 / 1e6)


@pytest.mark.parametrize("channels", [8, 16, 17, 24, 128], ids=str)
def test_an_int8_convolution_with_a_channel_less_asks_for_no_more_products(channels: int):
    more, less = (cpu_features(conv(one, one, 8, is_int8=True)) for one in (channels, channels - 1))

    for name in ("mac_3x3_i8", "mac_3x3_more_i8"):
        assert less.get(name, 0.0) <= more.get(name, 0.0)


def test_where_all_is_int8_sums_are_brought_to_another_grid():
    mixed = cpu_features(conv(16, 32, 8, is_int8=True))
    whole = cpu_features(conv(16, 32, 8, is_int8=True), is_all_int8=True)

    assert {"e_conv_i8", "e_out_i8"} <= set(mixed)
    assert "e_requant_i8" not in mixed
    assert whole["e_requant_i8"] == pytest.approx((16 + 32) * 64 / 1e6)
    assert not {"e_conv_i8", "e_out_i8"} & set(whole)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("is_int8", [False, True], ids=["float", "int8"])
def test_every_kind_has_known_features_and_none_is_negative(kind: Kind, is_int8: bool):
    operator = Operator("x", "X", kind, ((8, 4, 4),), ((8, 4, 4),), (3, 3), groups=2, macs=100, num_params=10,
                        is_int8=is_int8)  # fmt: skip

    features = cpu_features(operator)

    assert set(features) <= set(CPU_FEATURES)
    assert min(features.values()) >= 0
