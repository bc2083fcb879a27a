import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.engine.core.errors import ProjectError
from workbench.project.measurement_store import MeasurementKey, MeasurementStore

_KEY = MeasurementKey("evaluation top1", "m", "d", "r", "", "workbench 1")

# Keeps figures until it is stopped, or as many as it is told; says when it has begun.
_WRITER = """
import itertools, sys
from pathlib import Path
from workbench.project.measurement_store import MeasurementKey, MeasurementStore
store = MeasurementStore(Path(sys.argv[1]))
count = int(sys.argv[3])
for number in itertools.count() if count == 0 else range(count):
    store.keep(MeasurementKey("size", sys.argv[2], recipe_digest=str(number)), {"number": number})
    if number == 20:
        print("going", flush=True)
"""

# Makes a hundred stores, each at a moment that is the same for all who do it.
_MAKER = """
import sys, time
from pathlib import Path
from workbench.project.measurement_store import MeasurementKey, MeasurementStore
for number in range(100):
    store = MeasurementStore(Path(sys.argv[1]) / f"{number}.sqlite3")
    while time.time() < float(sys.argv[2]) + number / 100:
        pass
    store.find(MeasurementKey("size", "m"))
"""


def _writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _WRITER, str(path), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_was_kept_is_found_also_after_a_restart(tmp_path: Path):
    path = tmp_path / "folder" / "s.sqlite3"
    store = MeasurementStore(path)
    store.keep(_KEY, {"value": 0.5}, done=10)
    store.close()

    assert MeasurementStore(path).find(_KEY) == {"value": 0.5}


@pytest.mark.parametrize("part", ["kind", "model_digest", "dataset_digest", "recipe_digest", "device", "tool"])
def test_what_was_measured_on_anything_else_is_not_found(tmp_path: Path, part: str):
    store = MeasurementStore(tmp_path / "s.sqlite3")
    store.keep(_KEY, {"value": 0.5})

    assert store.find(replace(_KEY, **{part: "other"})) is None


def test_a_report_of_more_samples_wins_whenever_it_comes(tmp_path: Path):
    store = MeasurementStore(tmp_path / "s.sqlite3")

    store.keep(_KEY, {"value": 1}, done=128)
    store.keep(_KEY, {"value": 2}, done=64)
    assert store.find(_KEY) == {"value": 1}

    store.keep(_KEY, {"value": 3}, done=500)
    assert store.find(_KEY) == {"value": 3}
    assert len(store) == 1


def test_a_writer_killed_in_the_middle_leaves_whole_rows(tmp_path: Path):
    path = tmp_path / "s.sqlite3"
    with _writer(path, "killed", 0) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "going\n"
        os.kill(process.pid, signal.SIGKILL)

    store = MeasurementStore(path)
    count = len(store)
    assert count >= 20
    for number in range(count):
        assert store.find(MeasurementKey("size", "killed", recipe_digest=str(number))) == {"number": number}


def test_two_processes_keep_side_by_side(tmp_path: Path):
    path = tmp_path / "s.sqlite3"
    writers = [_writer(path, name, 200) for name in ("a", "b")]

    for writer in writers:
        with writer:
            assert writer.wait(60) == 0

    assert len(MeasurementStore(path)) == 400


def test_a_store_that_is_made_by_several_at_once_serves_all_of_them(tmp_path: Path):
    begin = time.time() + 1
    makers = [
        subprocess.Popen([sys.executable, "-c", _MAKER, str(tmp_path), str(begin)], stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]

    for maker in makers:
        _, errors = maker.communicate(timeout=60)
        assert errors == ""


def test_a_damaged_store_is_put_aside_and_begun_anew(tmp_path: Path):
    path = tmp_path / "s.sqlite3"
    path.write_bytes(b"this is no database " * 100)
    store = MeasurementStore(path)

    store.keep(_KEY, {"value": 1})

    assert store.find(_KEY) == {"value": 1}
    assert (tmp_path / "s.sqlite3.damaged").read_bytes().startswith(b"this is no database")


def test_a_store_that_cannot_be_made_says_so(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(ProjectError, match="cannot be used"):
        MeasurementStore(tmp_path / "file" / "s.sqlite3").find(_KEY)


def test_the_store_lies_in_the_users_folder_for_caches(own_home: Path):
    store = MeasurementStore()

    store.keep(_KEY, {"value": 1})

    assert own_home in store.path.parents
    assert store.path.exists()


def test_threads_share_a_store(tmp_path: Path):
    store = MeasurementStore(tmp_path / "s.sqlite3")
    store.keep(_KEY, {"value": 0.5})

    def keep(number: int) -> dict[str, object] | None:
        for round_number in range(20):
            store.keep(replace(_KEY, recipe_digest=f"{number}-{round_number}"), {"value": number})
        return store.find(_KEY)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(keep, range(4)))

    assert found == [{"value": 0.5}] * 4
    assert len(store) == 81
    store.close()


def test_many_are_kept_in_one_write_or_none_of_them(tmp_path: Path):
    store = MeasurementStore(tmp_path / "s.sqlite3")
    other = replace(_KEY, recipe_digest="other")

    store.keep_all([(_KEY, {"value": 1}, 10), (other, {"value": 2}, 10)])
    with pytest.raises(TypeError):
        store.keep_all([(_KEY, {"value": 3}, 20), (other, {"value": {1, 2}}, 20)])

    assert store.find(_KEY) == {"value": 1}
    assert store.find(other) == {"value": 2}
