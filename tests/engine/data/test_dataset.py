"""Samples become the model's tensor: formula, layout, size, type; guesses are listed; what does not fit is said."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.engine.core.errors import DataError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.data.dataset import open_dataset, seeded_subset


def _input(*shape: int | str, dtype: str = "float", name: str = "in") -> TensorInfo:
    return TensorInfo(name, dtype, shape)


def _npz(path: Path, **arrays: np.ndarray) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """Two images of 2×3 pixels in three channels, all bytes different."""
    return _npz(tmp_path / "c.npz", x=np.arange(36, dtype=np.uint8).reshape(2, 2, 3, 3))


@pytest.mark.parametrize(
    ("stored", "taken", "said"),
    [(1, 3, "grey pictures become RGB, three channels alike"), (3, 1, "colour pictures become grey"), (3, 3, "")],
)
def test_what_becomes_of_colours_is_said(stored: int, taken: int, said: str, tmp_path: Path):
    np.savez(tmp_path / "d.npz", x=np.zeros((2, 4, 4, stored), np.uint8))

    dataset = open_dataset(tmp_path / "d.npz", None, [TensorInfo("x", "float", ("N", taken, 4, 4))])

    assert dataset.info.conversion == said
    assert dataset.batch([0])["x"].shape == (1, taken, 4, 4)


def test_pixels_go_through_the_formula(colours: Path):
    given = {"scale": 0.5, "mean": [1, 2, 3], "std": [2, 4, 8]}

    tensor = open_dataset(colours, given, [_input("N", 3, 2, 3)]).batch([1])["in"]

    # Sample 1 begins with the bytes 18, 19, 20 of its first pixel.
    assert tensor.shape == (1, 3, 2, 3)
    assert tensor.dtype == np.float32
    assert tensor[0, :, 0, 0].tolist() == [(9 - 1) / 2, (9.5 - 2) / 4, (10 - 3) / 8]


def test_the_layout_is_guessed_from_the_model(colours: Path):
    first = open_dataset(colours, {}, [_input("N", 3, 2, 3)])
    last = open_dataset(colours, {}, [_input("N", "h", "w", 3)])

    assert (first.info.preprocessing.layout, last.info.preprocessing.layout) == ("nchw", "nhwc")
    assert "layout" in first.info.preprocessing.guessed
    assert np.array_equal(first.batch([0])["in"].transpose(0, 2, 3, 1), last.batch([0])["in"])


def test_what_is_given_is_no_guess(colours: Path):
    given = {"scale": 1, "mean": 0, "std": 1, "layout": "nchw"}

    assert open_dataset(colours, given, [_input("N", 3, 2, 3)]).info.preprocessing.guessed == ()


def test_bgr_turns_the_channels_round(colours: Path):
    tensor = open_dataset(colours, {"scale": 1, "channel_order": "bgr"}, [_input(1, 3, 2, 3)]).batch([0])["in"]

    assert tensor[0, :, 0, 0].tolist() == [2, 1, 0]


def test_channels_first_bytes_are_the_same_pictures(tmp_path: Path, colours: Path):
    stored = np.arange(36, dtype=np.uint8).reshape(2, 2, 3, 3)
    # 2×3 is too small to tell the channels by their number; 2×5 is not.
    wide = np.concatenate([stored, stored[:, :, :2]], axis=2)
    path = _npz(tmp_path / "first.npz", x=wide.transpose(0, 3, 1, 2))

    tensor = open_dataset(path, {"scale": 1}, [_input("N", 3, 2, 5)]).batch([0, 1])["in"]

    assert np.array_equal(tensor, wide.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("shape", [(1, 784, 1), ("N", 784), (1, 1, 28, 28), (1, 28, 28, 1)])
def test_grey_images_take_the_model_input_s_rank(tmp_path: Path, shape: tuple[int | str, ...]):
    x = np.arange(784).astype(np.uint8).reshape(1, 28, 28)

    tensor = open_dataset(_npz(tmp_path / "g.npz", x=x), {"scale": 1}, [_input(*shape)]).batch([0])["in"]

    assert tensor.shape[1:] == shape[1:]
    assert tensor.ravel().tolist() == x.ravel().tolist()


def test_grey_becomes_colour_and_another_size_is_resized(tmp_path: Path):
    path = _npz(tmp_path / "g.npz", x=np.full((2, 28, 28), 51, np.uint8))

    dataset = open_dataset(path, {}, [_input("N", 3, 32, 32)])

    assert dataset.info.preprocessing.resize == 32
    assert "resize" in dataset.info.preprocessing.guessed
    assert np.array_equal(dataset.batch([0, 1])["in"], np.full((2, 3, 32, 32), np.float32(51) * np.float32(1 / 255)))


@pytest.mark.parametrize("given", [{}, {"resize": "2x5"}, {"resize": [2, 5]}], ids=["guessed", "text", "list"])
def test_a_size_that_is_no_square_is_height_and_width(tmp_path: Path, given: dict[str, object]):
    columns = np.zeros((1, 4, 10, 3), np.uint8)
    columns[:, :, 5:] = 200
    path = _npz(tmp_path / "w.npz", x=columns)

    dataset = open_dataset(path, {"scale": 1, **given}, [_input("N", 3, 2, 5)])

    assert dataset.info.preprocessing.resize == (2, 5)
    tensor = dataset.batch([0])["in"]
    assert tensor.shape == (1, 3, 2, 5)
    # Halved by Pillow's triangle filter: away from the edge between the halves the colours stay.
    assert tensor[0, 0, :, 0].tolist() == [0, 0]
    assert tensor[0, 0, :, 4].tolist() == [200, 200]


def test_the_crop_is_centred(tmp_path: Path):
    path = _npz(tmp_path / "c.npz", x=np.arange(25, dtype=np.uint8).reshape(1, 5, 5))

    tensor = open_dataset(path, {"crop": 3, "scale": 1}, [_input(1, 1, 3, 3)]).batch([0])["in"]

    assert tensor[0, 0].tolist() == [[6, 7, 8], [11, 12, 13], [16, 17, 18]]


def test_features_stay_as_they_are(tmp_path: Path):
    path = _npz(tmp_path / "f.npz", x=np.array([[0.5, -2], [3, 4]]), y=np.array([0, 1]))

    dataset = open_dataset(path, {}, [_input("N", 2)])

    assert dataset.info.preprocessing.layout == "raw"
    assert dataset.batch([0, 1])["in"].tolist() == [[0.5, -2], [3, 4]]
    assert dataset.batch([0])["in"].dtype == np.float32


def test_whole_number_inputs_are_cast(tmp_path: Path):
    tensor = open_dataset(_npz(tmp_path / "t.npz", x=np.array([[3, 9]], np.uint8)), {}, [_input(1, 2, dtype="int64")])

    assert tensor.batch([0])["in"].dtype == np.int64


def test_each_input_gets_the_array_of_its_name(tmp_path: Path):
    images, tokens = np.full((3, 4, 4), 255, np.uint8), np.arange(6).reshape(3, 2)
    path = _npz(tmp_path / "m.npz", image=images, tokens=tokens, y=np.arange(3))
    inputs = [_input("N", 2, dtype="int64", name="tokens"), _input("N", 1, 4, 4, name="image")]

    dataset = open_dataset(path, {}, inputs)
    again = open_dataset(path, dataset.info.preprocessing, inputs)

    for feeds in (dataset.batch([2]), again.batch([2])):
        assert feeds["tokens"].tolist() == [[4, 5]]
        assert feeds["image"].tolist() == np.ones((1, 1, 4, 4)).tolist()


@pytest.mark.parametrize(
    ("given", "inputs", "text"),
    [
        ({"resize": 4}, [_input("N", 3, 8, 16)], "samples become 3×4×4"),
        ({"mean": [1, 2]}, [_input("N", 3, 2, 3)], "mean has 2 numbers, the samples have 3 channels"),
        ({"crop": 9}, [_input("N", 3, 9, 9)], "smaller than the crop"),
        ({}, [_input(1, name="a"), _input(1, name="b")], "has no array 'a'"),
        ({}, [_input("N", 3, 2, 3, dtype="string")], "takes string"),
    ],
    ids=["size", "channels", "crop", "inputs", "type"],
)
def test_what_does_not_fit_is_said_before_running(colours: Path, given: dict[str, object], inputs, text: str):
    with pytest.raises(DataError, match=text):
        open_dataset(colours, given, inputs)


def test_images_of_different_sizes_are_named(tmp_path: Path):
    for name, side in (("a", 4), ("b", 5)):
        Image.new("RGB", (side, side)).save(tmp_path / f"{name}.png")

    dataset = open_dataset(tmp_path)

    with pytest.raises(DataError, match=r"b\.png is 5×5×3, a\.png is 4×4×3"):
        dataset.batch([0, 1])


def test_the_file_beside_the_data_is_read_and_overridden(colours: Path):
    colours.with_name("c.data.yaml").write_text("scale: 1/4\nlabels_offset: 1\n", encoding="utf-8")

    preprocessing = open_dataset(colours, {"scale": "0.5"}).info.preprocessing

    assert (preprocessing.scale, preprocessing.labels_offset) == (0.5, 1)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("scale: 1\nmeen: 3\n", "line 2: unknown key 'meen'"),
        ("std: 0\n", "line 1: std cannot be 0"),
        ("layout: chw\n", "one of nchw, nhwc, raw"),
        ("- scale\n", "must hold"),
        ("scale: [\n", "cannot be read"),
        ("resize: 1000000\n", "number of pixels"),
        ("resize: 240x\n", "number of pixels"),
        ("resize: [1, 2, 3]\n", "number of pixels"),
    ],
)
def test_a_bad_settings_file_names_its_line(colours: Path, text: str, wanted: str):
    colours.with_name("c.npz.data.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match=r"c\.npz\.data\.yaml") as caught:
        open_dataset(colours)

    assert wanted in str(caught.value)


def _batch_bytes(path: Path, preprocessing: object) -> bytes:
    return open_dataset(path, preprocessing, [_input("N", 3, 8, 8)]).batch([1, 0])["in"].tobytes()


def test_another_process_makes_the_same_tensors(colours: Path):
    first = open_dataset(colours, {"mean": 0.3}, [_input("N", 3, 8, 8)])

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(_batch_bytes, (colours, first.info.preprocessing))

    assert found == first.batch([1, 0])["in"].tobytes()


def test_subsets_are_nested_and_repeat():
    small, large = seeded_subset(100, 10, seed=3), seeded_subset(100, 40, seed=3)

    assert large[:10].tolist() == small.tolist()
    assert len(set(large.tolist())) == 40
    assert seeded_subset(100, 10, seed=4).tolist() != small.tolist()


def test_tensors_that_are_kept_are_those_made_anew(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 4, 3), dtype=np.uint8)
    given = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "channel_order": "bgr"}
    path, wanted = _npz(tmp_path / "p.npz", x=pixels), [_input("N", 3, 5, 4)]

    keeps_all, keeps_two, keeps_none = (
        open_dataset(path, given, wanted, kept_bytes=size) for size in (1 << 20, 2 * 3 * 5 * 4 * 4, 0)
    )

    for indices in ([3, 1, 4], [4, 3, 3, 0], list(range(7)), [3, 1, 4]):
        expected = keeps_none.batch(indices)["in"]
        assert np.array_equal(keeps_all.batch(indices)["in"], expected)
        assert np.array_equal(keeps_two.batch(indices)["in"], expected)
