"""Limits: what one of them is set to leaves the others as they are."""

from workbench.project.budgets import Budgets


def test_each_device_has_its_own_ceiling():
    budgets = Budgets(size_bytes=500).with_device("phone", 5.0).with_device("board", 9.0)

    assert [budgets.on_device(name) for name in ("phone", "board", "other")] == [5.0, 9.0, None]
    assert budgets.with_device("phone", 4.0) == Budgets(size_bytes=500, device_ms={"board": 9.0, "phone": 4.0})


def test_a_negative_ceiling_takes_that_of_its_device_away_alone():
    budgets = Budgets(device_ms={"phone": 5.0, "board": 9.0})

    assert budgets.with_device("phone", -1.0) == Budgets(device_ms={"board": 9.0})
    assert budgets.with_device("other", -1.0) == budgets


def test_without_a_device_a_file_says_nothing_of_any():
    assert Budgets(accuracy=0.9).to_json() == {"accuracy": 0.9}
    assert Budgets.from_json({"accuracy": 0.9}) == Budgets(accuracy=0.9)
