import pytest

from workbench.engine.evaluate.positions import num_classes


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        (("N", 10), 10),
        (("N", 1000, 1, 1), 1000),
        (("N", 1), 2),
        (("N",), 2),
        (("N", 21, 64, 64), 21),
        (("N", 64, 64, 21), 21),
        (("N", 1, 64, 64), 2),
        (("N", 384, 5), 5),
        (("N", "tokens", 5), 5),
        (("N", "classes"), None),
        (("N", 21, "height", "width"), None),
        ((), None),
    ],
)
def test_classes_stand_along_one_axis(shape, expected):
    assert num_classes(shape) == expected
