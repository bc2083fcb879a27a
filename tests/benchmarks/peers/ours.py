"""Our own engine, through the session that window, command line and scripts call."""

import time
from pathlib import Path

from tests.benchmarks.peers.case import Samples
from tests.benchmarks.peers.outcome import Outcome, drop_of
from workbench.engine.core.recipe import Recipe
from workbench.engine.core.reports import ApplyReport
from workbench.session import Session


def quantize_with_ours(samples: Samples, recipe: Recipe, path: Path) -> tuple[Outcome, float]:
    """Quantize, write, and evaluate.

    Returns:
        What it reached, and the accuracy of the float model.
    """
    seconds, report = build_and_export(samples, recipe, path)
    assert report.before.accuracy is not None
    assert report.after.accuracy is not None
    outcome = Outcome(
        "ours",
        report.after.accuracy.value,
        drop_of(report.difference),
        seconds,
        report.after.file_bytes,
    )
    return outcome, report.before.accuracy.value


def build_and_export(samples: Samples, recipe: Recipe, path: Path) -> tuple[float, ApplyReport]:
    """Seconds that compressing took, and the report of the written file, which must be what was previewed."""
    session = Session()
    session.open_model(samples.model)
    session.open_data(samples.data, samples.settings)
    if samples.calibration != samples.data:
        session.open_calibration(samples.calibration, samples.settings)
    start = time.perf_counter()
    size = session.preview_bytes(recipe)
    seconds = time.perf_counter() - start
    report = session.export(recipe, path)

    assert report.verified.ok, f"{report.verified.first_difference} differs between preview and file"
    assert path.stat().st_size == size
    return seconds, report
