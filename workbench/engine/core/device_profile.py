"""What is known of a device with its runtime: what operators cost there, who measured it, and how far off it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# 8-bit weights beside 16-bit activations, in integers as well.
W8A16 = "w8a16"


class Backend(StrEnum):
    """The part of a chip that computes."""

    CPU = "cpu"
    GPU = "gpu"
    NPU = "npu"


class Basis(StrEnum):
    """What the costs of a profile rest on."""

    PUBLISHED = "published"
    OWN_MEASUREMENT = "own measurement"
    DESCRIPTION = "description"


@dataclass(frozen=True, slots=True)
class ProfileSource:
    """Where published measurements stand.

    Args:
        repository, path: such as "github:Tencent/ncnn" and "benchmark/README.md".
        commit: that they were read at; empty where the source names none.
        line: of the first figure; 0 where the record names none.
        license: of the repository.
        num_measurements: how many networks were measured.
        note: what the source says beside the figures.
    """

    repository: str
    path: str
    commit: str = ""
    line: int = 0
    license: str = ""
    num_measurements: int = 0
    note: str = ""

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints for a source."""
        return {
            "repository": self.repository,
            "path": self.path,
            "commit": self.commit or None,
            "line": self.line or None,
            "license": self.license,
            "n": self.num_measurements,
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class ProfileError:
    """How far estimates were off for networks whose family no device had shown.

    Args:
        median: of |estimate / measurement − 1|, a fraction.
        within_20: share of the estimates that were less than 20 % off, 0…1.
        n: number of networks.
    """

    median: float
    within_20: float
    n: int

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints for an error."""
        return {"median": self.median, "within_20_percent": self.within_20, "n": self.n}


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """A device, its runtime, and the cost in ms of a unit of each feature of operators.

    Args:
        id: unique, such as "oneplus-7t/ncnn/cpu-4t".
        name: of the device, as a user knows it.
        soc, core: chip, and the cores or the part of it that computes.
        runtime, version: of what runs the model; the version may be a date.
        threads: 0 where that means nothing.
        precision: "float", "int8", "float and int8" or "w8a16": of which kinds of models it knows something.
        costs: ms for one unit of each feature (for most, a million), by the feature's name; never negative.
        traits: what is known of the run without measuring, by the prior's names; a new measurement starts from there.
        error, error_int8: of unseen networks; None where too few were measured.
        sources: of the measurements behind it.
        basis: what the costs rest on.
        num_own: how many of the user's measurements are behind it.
        notes: what has to be said of every estimate.
    """

    id: str
    name: str
    soc: str
    core: str
    runtime: str
    version: str
    backend: Backend
    threads: int
    precision: str
    costs: Mapping[str, float]
    traits: Mapping[str, float] = field(default_factory=dict)
    error: ProfileError | None = None
    error_int8: ProfileError | None = None
    sources: tuple[ProfileSource, ...] = ()
    basis: Basis = Basis.PUBLISHED
    num_own: int = 0
    notes: tuple[str, ...] = ()

    @property
    def knows_float(self) -> bool:
        """Whether anything in float was measured."""
        return "float" in self.precision

    @property
    def knows_int8(self) -> bool:
        """Whether anything with weights in int8 was measured."""
        return "int8" in self.precision or self.precision == W8A16

    def to_json(self) -> dict[str, object]:
        """The object that `workbench devices --json` prints for a profile."""
        return {
            "id": self.id,
            "name": self.name,
            "soc": self.soc,
            "core": self.core,
            "runtime": self.runtime,
            "version": self.version,
            "backend": str(self.backend),
            "threads": self.threads or None,
            "precision": self.precision,
            "basis": str(self.basis),
            "num_own": self.num_own,
            "sources": [source.to_json() for source in self.sources],
            "error": self.error.to_json() if self.error is not None else None,
            "error_int8": self.error_int8.to_json() if self.error_int8 is not None else None,
            "notes": list(self.notes),
        }
