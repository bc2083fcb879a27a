"""Devices to estimate for: the profiles that ship and a user's own, and what can be done with them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from workbench.engine.core.device_fit import DeviceFit, FittedTime
from workbench.engine.core.device_profile import Backend, DeviceProfile
from workbench.engine.core.errors import DataError, ProjectError
from workbench.engine.core.format import format_ms
from workbench.engine.core.latency_estimate import LatencyEstimate
from workbench.engine.core.measurement import Figure
from workbench.engine.core.plan import Plan
from workbench.engine.core.whole_file import write_whole
from workbench.engine.graph.model import load_model
from workbench.engine.latency.calibrate import calibrated
from workbench.engine.latency.compression_notes import compression_notes
from workbench.engine.latency.device_library import BackendKnowledge, DeviceLibrary
from workbench.engine.latency.estimate import ModelFeatures, estimate, model_features
from workbench.engine.latency.estimate_notes import refusal
from workbench.engine.latency.fit_misses import missed_time, unlikely_time
from workbench.engine.latency.onnx_operators import ModelOperators, model_operators
from workbench.engine.latency.own_measurement import OwnMeasurement
from workbench.engine.latency.profile_json import format_profile
from workbench.project.device_ids import check_own_id
from workbench.project.device_store import DeviceStore, read_profile, shipped_library
from workbench.project.ways_out import measured_wide, ways_out


class Devices:
    """Profiles by id, estimates on them, and a user's own.

    Args:
        store: of the user's own profiles; that in the user's folder if not given.
    """

    def __init__(self, store: DeviceStore | None = None) -> None:
        self._store = store or DeviceStore()

    @cached_property
    def _shipped(self) -> DeviceLibrary:
        return shipped_library()

    @property
    def library(self) -> DeviceLibrary:
        """All profiles that are there now."""
        own, _ = self._store.profiles()
        return self._shipped.with_profiles(own)

    def profiles(self) -> tuple[tuple[DeviceProfile, ...], tuple[str, ...]]:
        """All profiles, a user's own first, and what is wrong with files of them."""
        own, problems = self._store.profiles()
        names = {profile.id for profile in own}
        shipped = (profile for profile in self._shipped.profiles.values() if profile.id not in names)
        return (*own, *shipped), problems

    def estimate(
        self,
        device: str,
        model: ModelOperators,
        plan: Plan = Plan(()),  # noqa: B008  # frozen
        *,
        original: ModelOperators | None = None,
        measured_ms: float | None = None,
        features_of: Callable[[ModelOperators, Backend, str], ModelFeatures] = model_features,
    ) -> LatencyEstimate:
        """What a model takes on a device.

        Args:
            device: id of the profile.
            model: as it will be.
            plan: what was done to it, for the notes.
            original: the model as it was; the same if not given.
            measured_ms: what the user measured of the original there; the profile is fitted to it first.
            features_of: gives the model's features for a backend and a runtime; may know them already.

        Raises:
            DataError: the time is none, or of a model that has no figure there.
            ProjectError: there is no such profile.
        """
        library = self.library
        profile = library.find(device)
        knowledge = library.knowledge[profile.backend]
        if measured_ms is not None:
            measured = original or model
            self._check_usable(measured, profile, library)
            profile = calibrated(profile, knowledge.prior, [OwnMeasurement(measured.operators, measured_ms)])
        features = features_of(model, profile.backend, profile.runtime)
        answer = estimate(features, profile, knowledge)
        notes = list(dict.fromkeys((*answer.notes, *compression_notes(plan, profile))))
        if answer.figure is None:
            notes[1:1] = ways_out(model, profile, library)
        else:
            if measured_ms is not None and model.operators == (original or model).operators:
                notes.insert(
                    0, f"measured: {format_ms(measured_ms)}; the estimate is of a profile that is fitted to it"
                )
            notes += measured_wide(model, profile, library)
        return replace(answer, notes=tuple(notes))

    def fit(self, new_id: str, like: str, measured: Sequence[tuple[Path, float]], *, name: str = "") -> DeviceFit:
        """What times of models on a user's own device make of a profile; nothing is kept.

        Args:
            new_id: its id, once it is kept.
            like: id of the profile of the same or the nearest chip, with the same runtime.
            measured: model files and their ms; at least one.
            name: that a person knows it by; the id if not given.

        Raises:
            DataError: a time is none, or there are none, or a model has no figure on a device like it.
            ModelError: a model cannot be read.
            ProjectError: there is no profile to be like.
        """
        if not measured:
            raise DataError("no time was given", "give at least one model and its milliseconds")
        library = self.library
        base = library.find(like)
        models = [model_operators(load_model(path)) for path, _ in measured]
        for model, (path, _) in zip(models, measured, strict=True):
            self._check_usable(model, base, library, path.name)
        own = [
            OwnMeasurement(model.operators, ms, path.name) for model, (path, ms) in zip(models, measured, strict=True)
        ]
        knowledge = library.knowledge[base.backend]
        profile = calibrated(base, knowledge.prior, own, new_id=new_id, name=name or new_id)
        before, after = ([_figure(model, one, knowledge) for model in models] for one in (base, profile))
        misses = [
            note
            for (path, ms), was, now in zip(measured, before, after, strict=True)
            for note in (*unlikely_time(path.name, ms, was, base.id), *missed_time(path.name, ms, now))
        ]
        profile = replace(profile, notes=tuple(dict.fromkeys((*profile.notes, *misses))))
        by_others = [
            _figure(model, calibrated(base, knowledge.prior, [*own[:place], *own[place + 1 :]]), knowledge)
            if len(own) > 1
            else None
            for place, model in enumerate(models)
        ]
        times = tuple(
            FittedTime(path, ms, *(None if figure is None else figure.value for figure in said))
            for (path, ms), *said in zip(measured, before, after, by_others, strict=True)
        )
        return DeviceFit(profile, times, tuple(note for note in profile.notes if note not in base.notes))

    def add(
        self, new_id: str, like: str, measured: Sequence[tuple[Path, float]], *, name: str = "", force: bool = False
    ) -> DeviceProfile:
        """Keep what `fit` makes.

        Args:
            new_id: its id from then on.
            like: as in `fit`.
            measured: the same.
            name: the same.
            force: replace a profile of that id.

        Raises:
            DataError: as in `fit`.
            ExportError: there is a profile of that id.
            ModelError: a model cannot be read.
            ProjectError: there is no profile to be like, or the id cannot be that of an own device.
        """
        check_own_id(new_id, self._shipped.profiles)
        profile = self.fit(new_id, like, measured, name=name).profile
        self._store.save(profile, force=force)
        return profile

    @staticmethod
    def _check_usable(model: ModelOperators, base: DeviceProfile, library: DeviceLibrary, called: str = "") -> None:
        """Raise DataError where the device has no figure for a model, so that its time says nothing of the costs."""
        why_not = refusal(model, base)
        if why_not:
            raise DataError(f"{called}: {why_not}" if called else why_not, "; ".join(ways_out(model, base, library)))

    def remove(self, device: str) -> None:
        """Forget a profile of the user's own. Raises ProjectError if it is none."""
        self._store.remove(device)

    def export(self, device: str, path: Path, *, force: bool = False) -> None:
        """Write a profile to a file for others. Raises ExportError or ProjectError."""
        write_whole(path, format_profile(self.library.find(device)).encode(), force=force)

    def take_in(self, path: Path, *, force: bool = False) -> DeviceProfile:
        """Keep a profile that somebody exported. Raises ExportError or ProjectError."""
        profile = read_profile(path)
        shipped = self._shipped.profiles.get(profile.id)
        if shipped is not None and format_profile(shipped) == format_profile(profile):
            return shipped
        try:
            check_own_id(profile.id, self._shipped.profiles)
        except ProjectError as error:
            raise ProjectError(f"{path}: {error.message}", error.hint) from error
        self._store.save(profile, force=force)
        return profile


def _figure(model: ModelOperators, profile: DeviceProfile, knowledge: BackendKnowledge) -> Figure | None:
    return estimate(model_features(model, profile.backend, profile.runtime), profile, knowledge).figure
