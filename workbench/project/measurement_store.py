"""Measurements of all models on this computer, so that nothing is measured twice: one SQLite file."""

import contextlib
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from workbench.engine.core.errors import ProjectError

_log = logging.getLogger(__name__)

_BUSY_S = 0.2
_RETRY_S = 0.002
# A scan of 200 layers with 12 settings each takes 2,400 of 3 kB, on 64 samples.
_MOST_ROWS = 50_000
_CREATE = """
CREATE TABLE IF NOT EXISTS measurements (
    kind TEXT, model_digest TEXT, dataset_digest TEXT, recipe_digest TEXT, device TEXT, tool TEXT,
    done INTEGER NOT NULL, report TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (kind, model_digest, dataset_digest, recipe_digest, device, tool)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_number ON measurements (number);
"""
_FIND = (
    "SELECT done, report FROM measurements WHERE kind = ? AND model_digest = ? AND dataset_digest = ?"
    " AND recipe_digest = ? AND device = ? AND tool = ?"
)
_KEEP = """
INSERT INTO measurements VALUES (?, ?, ?, ?, ?, ?, ?, ?, (SELECT COALESCE(MAX(number), 0) + 1 FROM measurements))
ON CONFLICT DO UPDATE SET done = excluded.done, report = excluded.report, number = excluded.number
WHERE excluded.done >= measurements.done
"""


@dataclass(frozen=True, slots=True)
class MeasurementKey:
    """Everything that a measurement depends on.

    Args:
        kind: "evaluation", "latency by turns", "size" or "sensitivity".
        model_digest, dataset_digest, recipe_digest: what it holds for; empty where not involved. The metric is one of
            the samples' settings, and so part of their digest.
        device: for latencies, where it was measured.
        tool: programs and versions that gave it.
    """

    kind: str
    model_digest: str
    dataset_digest: str = ""
    recipe_digest: str = ""
    device: str = ""
    tool: str = ""

    @property
    def parts(self) -> tuple[str, ...]:
        """In the order of the columns."""
        return self.kind, self.model_digest, self.dataset_digest, self.recipe_digest, self.device, self.tool


class MeasurementStore:
    """Finds and keeps reports by key. Several processes may have the same store open, and several threads share one.

    A crash loses at most what was kept last; a damaged file is put aside, since all of it can be measured anew.

    Args:
        path: the file; made with its folder when first needed. `default_store_path()` if not given.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or default_store_path()
        self._database: sqlite3.Connection | None = None
        # A session is asked in several lanes, each of them a thread.
        self._lock = threading.RLock()

    @property
    def path(self) -> Path:
        """Where the store lies."""
        return self._path

    def find(self, key: MeasurementKey) -> dict[str, object] | None:
        """The report with the most samples that was kept for a key; None if there is none.

        Raises:
            ProjectError: the store cannot be read.
        """
        with self._errors():
            row = self._open().execute(_FIND, key.parts).fetchone()
        if row is None:
            return None
        report = json.loads(row[1])
        return report if isinstance(report, dict) else None

    def keep(self, key: MeasurementKey, report: Mapping[str, object], done: int = 1) -> None:
        """Keep a report, unless one of more samples is there.

        Args:
            key: what it holds for.
            report: plain values that JSON can hold.
            done: number of samples or runs behind it.

        Raises:
            ProjectError: the store cannot be written.
        """
        self.keep_all([(key, report, done)])

    def keep_all(self, reports: Iterable[tuple[MeasurementKey, Mapping[str, object], int]]) -> None:
        """Keep many in one write: all of them, or none.

        Args:
            reports: each with its key and the number of samples or runs behind it, as `keep` takes them.

        Raises:
            ProjectError: the store cannot be written.
        """
        rows = [(*key.parts, done, json.dumps(report)) for key, report, done in reports]
        with self._errors():
            database = self._open()
            with database:
                database.executemany(_KEEP, rows)

    def __len__(self) -> int:
        with self._errors():
            return int(self._open().execute("SELECT COUNT(*) FROM measurements").fetchone()[0])

    def close(self) -> None:
        """Let the file go. The store opens again when it is next asked."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            try:
                self._database = _connected(self._path)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                _put_aside(self._path, error)
                self._database = _connected(self._path)
        return self._database

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except (sqlite3.Error, OSError) as error:
            raise ProjectError(f"{self._path}: the store of measurements cannot be used ({error})") from error


def default_store_path() -> Path:
    """In the user's folder for caches, which may be deleted at any time. Another layout gets another name."""
    return Path(platformdirs.user_cache_dir("workbench", appauthor=False)) / "measurements-1.sqlite3"


def _connected(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whoever uses it holds the lock.
    database = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
    try:
        _write_ahead(database)
        # A commit then need not wait for the disk: what a power cut may take is the last figures, never the file.
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_CREATE)
        _forget_oldest(database)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _write_ahead(database: sqlite3.Connection) -> None:
    """With a log written ahead, readers do not wait for writers and a crash leaves the old state."""
    deadline = time.monotonic() + _BUSY_S
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # Of two processes that make the file together one is refused at once: its time-out does not hold here.
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
        else:
            return


def _forget_oldest(database: sqlite3.Connection) -> None:
    excess = database.execute("SELECT COUNT(*) FROM measurements").fetchone()[0] - _MOST_ROWS
    if excess > 0:
        with database:
            database.execute(
                "DELETE FROM measurements WHERE number IN (SELECT number FROM measurements ORDER BY number LIMIT ?)",
                (excess,),
            )


def _put_aside(path: Path, error: Exception) -> None:
    _log.warning("%s cannot be read (%s) and is put aside; figures are measured anew", path, error)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.replace(path.with_name(path.name + ".damaged"))
