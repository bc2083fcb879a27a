"""Every kind of data is found, read in place and labelled; what is broken or hostile is named in one line."""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workbench.engine.core.errors import DataError
from workbench.engine.core.layer import TensorInfo
from workbench.engine.data.dataset import open_dataset


def _png(value: int, size: tuple[int, int] = (4, 4), mode: str = "RGB") -> bytes:
    file = io.BytesIO()
    Image.new(mode, size, value if mode in ("1", "L") else (value, value, value)).save(file, "PNG")
    return file.getvalue()


def _zip(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def _folder(path: Path, entries: dict[str, bytes]) -> Path:
    for name, data in entries.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def _idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.mark.parametrize("make", [_zip, _folder], ids=["zip", "folder"])
def test_numbered_class_folders_give_their_numbers(tmp_path: Path, make):
    path = make(tmp_path / "data.zip", {"7_dog/a.png": _png(1), "2_cat/b.png": _png(2), "7_dog/c.png": _png(3)})

    dataset = open_dataset(path)

    assert [dataset.name(i) for i in range(3)] == ["2_cat/b.png", "7_dog/a.png", "7_dog/c.png"]
    assert dataset.labels.tolist() == [2, 7, 7]
    assert dataset.info.num_classes == 2


def test_named_class_folders_are_numbered_by_name(tmp_path: Path):
    path = _zip(tmp_path / "d.zip", {"dog/a.png": _png(1), "cat/b.png": _png(2), "__MACOSX/cat/._b.png": b"x"})

    assert open_dataset(path).labels.tolist() == [0, 1]


def test_a_table_gives_order_and_labels(tmp_path: Path):
    table = "﻿file,label\nb.png,5\na.png,-1\n".encode()
    path = _zip(tmp_path / "d.zip", {"images/a.png": _png(10), "images/b.png": _png(20), "labels.csv": table})

    dataset = open_dataset(path, {"scale": 1})

    assert dataset.labels.tolist() == [5, -1]
    assert dataset.batch([0, 1])["x"][:, 0, 0, 0].tolist() == [20, 10]


def test_images_in_one_folder_have_no_labels(tmp_path: Path):
    assert open_dataset(_folder(tmp_path / "photos", {"a.png": _png(1)})).labels is None


@pytest.mark.parametrize("is_gzip", [True, False], ids=["gzip", "plain"])
def test_idx_images_find_their_labels_beside_them(tmp_path: Path, is_gzip: bool):
    pack = gzip.compress if is_gzip else bytes
    images = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(pack(_idx(images)))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(pack(_idx(np.array([4, 0, 9], np.uint8))))

    dataset = open_dataset(tmp_path / "t10k-images-idx3-ubyte", {"scale": 1})

    assert dataset.labels.tolist() == [4, 0, 9]
    assert dataset.batch([2])["x"].tolist() == [[[[8, 9], [10, 11]]]]


def test_arrays_keep_labels_in_either_memory_order(tmp_path: Path):
    x = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(3, 2))
    np.savez(tmp_path / "d.npz", x=x, y=np.array([[1], [0], [2]]))

    dataset = open_dataset(tmp_path / "d.npz")

    assert dataset.batch([2, 0])["x"].tolist() == [[4, 5], [0, 1]]
    assert dataset.labels.tolist() == [1, 0, 2]


def test_arrays_beside_the_samples_are_left_aside_whatever_they_hold(tmp_path: Path):
    x, names = np.zeros((2, 3), np.float32), np.array(["a", "b"])
    objects = np.array([{"a": 1}], dtype=object)
    np.savez(tmp_path / "d.npz", x=x, y=[1, 0], names=names, objects=objects, boxes=np.zeros((2, 4)), scale=np.ones(()))

    dataset = open_dataset(tmp_path / "d.npz", {}, [TensorInfo("in", "float", ("N", 3))])

    assert dataset.labels.tolist() == [1, 0]
    assert list(dataset.batch([0])) == ["in"]
    assert set(dataset.info.unused) == {"names", "objects", "boxes", "scale"}


def test_an_array_that_a_model_asks_for_says_why_it_cannot_be_used(tmp_path: Path):
    np.savez(tmp_path / "d.npz", tokens=np.array(["a", "b"]), image=np.zeros((2, 3), np.float32))
    wanted = [TensorInfo("image", "float", ("N", 3)), TensorInfo("tokens", "int64", ("N",))]

    with pytest.raises(DataError, match="'tokens' holds <U1, not numbers"):
        open_dataset(tmp_path / "d.npz", {}, wanted)


def _bomb_npz(path: Path) -> Path:
    # The header claims 4 TB; two bytes follow.
    header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (4398046511104,), }".ljust(117) + b"\n"
    return _zip(path, {"x.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"ab"})


def _object_npz(path: Path) -> Path:
    np.savez(path, x=np.array([{"a": 1}], dtype=object))
    return path


def _cut_zip(path: Path) -> Path:
    _zip(path, {"0_a/a.png": _png(1)})
    path.write_bytes(path.read_bytes()[:-30])
    return path


def _written(name: str, data: bytes):
    def make(path: Path) -> Path:
        path.with_name(name).write_bytes(data)
        return path.with_name(name)

    return make


_BAD = {
    "missing": (lambda path: path / "nothing", "no such file"),
    "climbing name": (lambda path: _zip(path, {"../a.png": _png(1)}), "leads out"),
    "absolute name": (lambda path: _zip(path, {"/etc/a.png": _png(1)}), "leads out"),
    "drive name": (lambda path: _zip(path, {"C:\\a.png": _png(1)}), "leads out"),
    "cut archive": (_cut_zip, "damaged"),
    "broken image": (lambda path: _zip(path, {"0_a/bad.png": _png(1)[:40]}), "0_a/bad.png is no readable image"),
    "text as image": (lambda path: _zip(path, {"0_a/bad.jpg": b"hello"}), "0_a/bad.jpg is no readable image"),
    "a bomb's pixels": (lambda path: _zip(path, {"a.png": _png(0, (15_000, 15_000), "1")}), "too many pixels"),
    "many pixels": (lambda path: _zip(path, {"a.png": _png(0, (9000, 9000), "L")}), "too many"),
    "no images": (lambda path: _zip(path, {"readme.txt": b"-"}), "holds no images"),
    "stray image": (lambda path: _zip(path, {"a.png": _png(1), "cat/b.png": _png(1)}), "a.png is in no class folder"),
    "label a word": (
        lambda path: _zip(path, {"a.png": _png(1), "labels.csv": b"file,label\na.png,cat\n"}),
        "line 2: 'cat'",
    ),
    "file not there": (
        lambda path: _zip(path, {"a.png": _png(1), "labels.csv": b"file,label\nb.png,1\n"}),
        "names 'b.png'",
    ),
    "table without columns": (
        lambda path: _zip(path, {"a.png": _png(1), "labels.csv": b"a.png,1\n"}),
        "columns file and label",
    ),
    "npz bomb": (lambda path: _bomb_npz(path.with_suffix(".npz")), "cut short"),
    "npz objects": (lambda path: _object_npz(path.with_suffix(".npz")), "Python objects"),
    "npz not zip": (_written("d.npz", b"hello"), "not a readable .npz"),
    "idx cut": (_written("a-idx3", _idx(np.zeros((9, 2, 2), np.uint8))[:-1]), "cut short"),
    "idx labels": (_written("a-idx1", _idx(np.zeros(9, np.uint8))), "labels, no images"),
    "unknown": (_written("d.bin", b"\x01\x02\x03\x04"), "not a known kind"),
}


@pytest.mark.filterwarnings("default::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(("make", "text"), _BAD.values(), ids=_BAD)
def test_bad_data_is_one_clear_line(tmp_path: Path, make, text: str):
    path = make(tmp_path / "d.zip")

    with pytest.raises(DataError) as caught:
        open_dataset(path)

    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_digest_follows_content_and_preprocessing(tmp_path: Path):
    first = open_dataset(_folder(tmp_path / "a", {"0_x/a.png": _png(1)})).info.digest

    assert open_dataset(_folder(tmp_path / "b", {"0_x/a.png": _png(1)})).info.digest == first
    assert open_dataset(_folder(tmp_path / "c", {"0_x/a.png": _png(2)})).info.digest != first
    assert open_dataset(tmp_path / "a", {"mean": 0.5}).info.digest != first
