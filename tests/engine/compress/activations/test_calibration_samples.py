"""Which samples calibrate: never those that an evaluation on some samples takes, as long as there are enough."""

from pathlib import Path

import numpy as np

from workbench.engine.compress.activations.calibration import CalibrationSet
from workbench.engine.core.recipe import Calibration
from workbench.engine.data.dataset import Dataset, open_dataset, seeded_subset


def _dataset(folder: Path) -> Dataset:
    path = folder / "x.npz"
    np.savez(path, x=np.zeros((40, 3), np.float32))
    return open_dataset(path)


def test_they_are_others_than_an_evaluation_takes_first(tmp_path: Path):
    calibrating = CalibrationSet(_dataset(tmp_path), Calibration(samples=10, seed=0)).indices

    assert len(set(calibrating.tolist())) == 10
    assert not set(calibrating.tolist()) & set(seeded_subset(40, 30).tolist())


def test_other_seeds_draw_others_from_four_times_as_many_at_the_end(tmp_path: Path):
    dataset = _dataset(tmp_path)
    drawn = {tuple(CalibrationSet(dataset, Calibration(samples=5, seed=seed)).indices.tolist()) for seed in range(6)}

    assert len(drawn) == 6
    assert not {index for one in drawn for index in one} & set(seeded_subset(40, 20).tolist())


def test_fewer_of_them_begin_more(tmp_path: Path):
    dataset = _dataset(tmp_path)
    few, many = (CalibrationSet(dataset, Calibration(samples=count, seed=0)).indices for count in (5, 25))

    assert few.tolist() == many[:5].tolist()


def test_of_fewer_samples_than_are_asked_for_all_calibrate(tmp_path: Path):
    assert sorted(CalibrationSet(_dataset(tmp_path), Calibration(samples=99, seed=0)).indices) == list(range(40))
