"""Fit device profiles to published measurements, and write them to `resources/devices`.

    python packaging/fit_devices.py MEASUREMENTS.json [--out resources/devices]

Cost: under a minute on two cores. The same measurements give the same bytes. Each profile carries where its figures
stand, and how far off it is for network families that were left out of all devices.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

# Matrices of forty rows: threads would wait for one another longer than they compute.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402
from cross_validation import Estimated, costs_of, left_out, new_devices, prior_of, stacked, widths_of  # noqa: E402
from device_names import NAMES, is_offered  # noqa: E402
from published_runs import Run, read_runs  # noqa: E402

from workbench.engine.core.device_profile import Backend, DeviceProfile, ProfileError  # noqa: E402
from workbench.engine.latency.device_library import BackendKnowledge  # noqa: E402
from workbench.engine.latency.features import FEATURES  # noqa: E402
from workbench.engine.latency.profile_json import format_backend  # noqa: E402
from workbench.engine.latency.traits import traits_of  # noqa: E402

_FEWEST_OF_AN_ERROR = 4


def main() -> None:
    """Read the arguments, fit, and write a file for each backend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("measurements", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "resources" / "devices")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for backend in Backend:
        knowledge, profiles = fitted(read_runs(arguments.measurements, backend))
        path = arguments.out / f"{backend}.json"
        path.write_text(format_backend(knowledge, profiles), encoding="utf-8")
        print(f"{path}: {len(profiles)} profiles")


def fitted(runs: Sequence[Run]) -> tuple[BackendKnowledge, list[DeviceProfile]]:
    """What the runs of a backend teach together, and the profile of each that a user may choose."""
    measured = stacked(runs)
    prior = prior_of(runs, measured)
    costs = np.exp(costs_of(runs, measured, prior).log_costs)
    estimated = left_out(runs, lambda one: one.family)
    by_run: dict[int, list[Estimated]] = defaultdict(list)
    for one in estimated:
        by_run[one.run].append(one)
    knowledge = BackendKnowledge(prior, widths_of(estimated), new_devices(runs))
    profiles = [
        _profile(run, row, by_run[place])
        for place, (run, row) in enumerate(zip(runs, costs, strict=True))
        if is_offered(run)
    ]
    return knowledge, sorted(_unique(profiles), key=lambda profile: profile.id)


def _profile(run: Run, costs: np.ndarray, estimated: Sequence[Estimated]) -> DeviceProfile:
    what = run.description
    precisions = sorted({"int8" if one.is_int8 else "float" for one in run.measurements})
    name = NAMES.get(run.device, run.device)
    speed = f"-{what.threads}t" if what.threads else ""
    words = (name, what.runtime, f"{what.backend}{speed}")
    if what.backend is Backend.NPU:
        precisions = ["int8" if what.precision == "w8a8" else what.precision]
        words = (*words, what.precision)
    return DeviceProfile(
        id="/".join(_word(word) for word in words),
        name=name,
        soc=run.soc,
        core=what.core,
        runtime=what.runtime,
        version=next((source.note for source in run.sources if source.note.startswith("v0.")), "") or what.date,
        backend=what.backend,
        threads=what.threads,
        precision=" and ".join(precisions),
        costs=dict(zip(FEATURES[what.backend], map(float, costs), strict=True)),
        traits=traits_of(what),
        error=_error([one for one in estimated if not one.measurement.is_int8]),
        error_int8=_error([one for one in estimated if one.measurement.is_int8]),
        sources=run.sources,
    )


def _word(text: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in ".+" else "-" for letter in text.lower())
    return "-".join(part for part in kept.split("-") if part)


def _error(estimated: Sequence[Estimated]) -> ProfileError | None:
    if len(estimated) < _FEWEST_OF_AN_ERROR:
        return None
    errors = np.array([one.error for one in estimated])
    median, within = round(float(np.median(errors)), 4), round(float(np.mean(errors < 0.2)), 4)
    return ProfileError(median, within, len(errors))


def _unique(profiles: Sequence[DeviceProfile]) -> list[DeviceProfile]:
    """Of several with one id the newest; of the same date the one with more measurements."""
    best: dict[str, DeviceProfile] = {}
    for profile in profiles:
        other = best.get(profile.id)
        if other is None or _rank(profile) > _rank(other):
            best[profile.id] = profile
    return list(best.values())


def _rank(profile: DeviceProfile) -> tuple[str, int]:
    return profile.version, sum(source.num_measurements for source in profile.sources)


if __name__ == "__main__":
    main()
