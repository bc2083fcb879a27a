"""Device profiles and what their backends know, as JSON: the files that ship, and those of users."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from workbench.engine.core.device_profile import W8A16, Backend, Basis, DeviceProfile, ProfileError, ProfileSource
from workbench.engine.core.errors import ProjectError
from workbench.engine.latency.cost_prior import CostPrior, Floats
from workbench.engine.latency.device_library import BackendKnowledge
from workbench.engine.latency.features import FEATURES
from workbench.engine.latency.json_fields import FieldError, JsonFields

_FORMAT = 1
# Of a cost: it is known to a few per cent at best.
_DIGITS = 5
_PRECISIONS = ("float", "int8", "float and int8", W8A16)
# Costs that were part of another one when older files were written.
_SPLIT_OFF = {"mac_3x3_more_i8": "mac_3x3_i8", "e_requant_i8": "e_out_i8"}


def format_backend(knowledge: BackendKnowledge, profiles: Iterable[DeviceProfile]) -> str:
    """A file with all that is known of a backend; the same text for the same values."""
    prior = knowledge.prior
    content = {
        "format": _FORMAT,
        "prior": {
            "features": list(prior.features),
            "traits": list(prior.traits),
            "weights": _rounded(prior.weights),
            "covariance": _rounded(prior.covariance),
            "scale_variance": prior.scale_variance,
            "sigma": _digits(prior.sigma),
            "floor_ms": prior.floor_ms,
            "uncertainty": _rounded(prior.uncertainty),
        },
        "widths": {name: _digits(width) for name, width in knowledge.widths.items()},
        "new_widths": {str(count): _digits(width) for count, width in knowledge.new_widths.items()},
        "profiles": [_profile(one) for one in profiles],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def parse_backend(text: str, path: str) -> tuple[BackendKnowledge, tuple[DeviceProfile, ...]]:
    """What `format_backend` wrote. Raises ProjectError if it is something else."""
    try:
        content = _content(text, path)
        prior = content["prior"]
        knowledge = BackendKnowledge(
            CostPrior(
                features=tuple(prior["features"]),
                traits=tuple(prior["traits"]),
                weights=np.array(prior["weights"], np.float64),
                covariance=np.array(prior["covariance"], np.float64),
                scale_variance=float(prior["scale_variance"]),
                sigma=float(prior["sigma"]),
                floor_ms=float(prior["floor_ms"]),
                uncertainty=np.array(prior["uncertainty"], np.float64),
            ),
            {str(name): float(width) for name, width in content["widths"].items()},
            {int(count): float(width) for count, width in content["new_widths"].items()},
        )
        return knowledge, tuple(_parsed(one) for one in content["profiles"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(path, error) from error


def format_profile(profile: DeviceProfile) -> str:
    """A file with one profile, to keep or to give to others."""
    return json.dumps({"format": _FORMAT, "profile": _profile(profile)}, ensure_ascii=False, indent=1) + "\n"


def parse_profile(text: str, path: str) -> DeviceProfile:
    """What `format_profile` wrote. Raises ProjectError if it is something else, with the key that is wrong."""
    content = _content(text, path)
    try:
        return _parsed(JsonFields(content, "").value("profile"))
    except FieldError as error:
        raise ProjectError(f"{path}: {error}", "export the profile again") from error


def _content(text: str, path: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise ProjectError(f"{path}: is no JSON file ({place})", "export the profile again") from error
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"{path}: is no JSON file that can be read", "export the profile again") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ProjectError(f"{path}: not a device profile of this version", "export it again")
    return content


def _damaged(path: str, error: Exception) -> ProjectError:
    return ProjectError(
        f"{path}: not a device profile, or damaged ({type(error).__name__}: {error})", "export it again"
    )


def _profile(profile: DeviceProfile) -> dict[str, object]:
    return {
        "id": profile.id,
        "name": profile.name,
        "soc": profile.soc,
        "core": profile.core,
        "runtime": profile.runtime,
        "version": profile.version,
        "backend": str(profile.backend),
        "threads": profile.threads,
        "precision": profile.precision,
        "basis": str(profile.basis),
        "num_own": profile.num_own,
        "costs": {name: _digits(cost) for name, cost in profile.costs.items()},
        "traits": {name: value for name, value in profile.traits.items() if value},
        "error": asdict(profile.error) if profile.error is not None else None,
        "error_int8": asdict(profile.error_int8) if profile.error_int8 is not None else None,
        "sources": [asdict(source) for source in profile.sources],
        "notes": list(profile.notes),
    }


def _parsed(given: object) -> DeviceProfile:
    """Raises FieldError."""
    fields = JsonFields(given, "profile")
    backend = fields.word("backend", Backend)
    precision, traits = fields.text("precision"), fields.part("traits")
    if precision not in _PRECISIONS:
        raise FieldError(f"{fields.where('precision')} is {precision!r}, not one of {', '.join(_PRECISIONS)}")
    return DeviceProfile(
        id=fields.text("id", may_be_empty=False),
        name=fields.text("name", may_be_empty=False),
        soc=fields.text("soc"),
        core=fields.text("core"),
        runtime=fields.text("runtime"),
        version=fields.text("version"),
        precision=precision,
        backend=backend,
        threads=fields.count("threads"),
        basis=fields.word("basis", Basis),
        num_own=fields.count("num_own"),
        costs=_costs(fields.part("costs"), backend),
        traits={name: traits.number(name) for name in traits},
        error=_error(fields, "error"),
        error_int8=_error(fields, "error_int8"),
        sources=tuple(map(_source, fields.parts("sources"))),
        notes=fields.texts("notes"),
    )


def _costs(fields: JsonFields, backend: Backend) -> dict[str, float]:
    """All of the backend's, and what else the file has: newer files may know more."""
    costs = {name: fields.number(name, 0) for name in fields}
    costs |= {name: costs[whole] for name, whole in _SPLIT_OFF.items() if whole in costs and name not in costs}
    missing = [name for name in FEATURES[backend] if name not in costs]
    if missing:
        raise FieldError(f"{fields.where(missing[0])} is missing")
    return costs


def _error(fields: JsonFields, key: str) -> ProfileError | None:
    if fields.value(key) is None:
        return None
    error = fields.part(key)
    return ProfileError(error.number("median", 0), error.number("within_20", 0), error.count("n"))


def _source(fields: JsonFields) -> ProfileSource:
    return ProfileSource(
        fields.text("repository"),
        fields.text("path"),
        fields.text("commit"),
        fields.count("line"),
        fields.text("license"),
        fields.count("num_measurements"),
        fields.text("note"),
    )


def _rounded(values: Floats) -> object:
    return np.vectorize(_digits)(values).tolist()


def _digits(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
