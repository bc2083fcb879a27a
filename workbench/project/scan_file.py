"""A sensitivity scan as a readable JSON file, so that a search need not measure again what a scan found."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from workbench.engine.core.errors import ProjectError
from workbench.engine.core.recipe import ActivationRule, WeightRule
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.engine.core.whole_file import write_whole
from workbench.project.report_json import figure_from_json

FORMAT, VERSION = "workbench scan", 1
_LARGEST_BYTES = 256 << 20
_AGAIN = "scan again: `workbench scan MODEL --data D -o SCAN.json`"


def save_scan(path: Path, scan: SensitivityScan, *, force: bool = False) -> None:
    """Write a scan; what was there stays until the new one is whole. Raises ExportError."""
    write_whole(path, (json.dumps(scan_to_json(scan), indent=1) + "\n").encode(), force=force)


def load_scan(path: Path, *, model_digest: str, dataset_digest: str) -> SensitivityScan:
    """Read a scan of this very model on these very samples.

    Args:
        path: what `save_scan` or `workbench scan` wrote.
        model_digest: of the model that it must be of.
        dataset_digest: of the samples and their preprocessing.

    Raises:
        ProjectError: it cannot be read, is no scan, or is of another model or of other samples.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ProjectError(f"{path}: is too large for a scan", "choose another file")
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise ProjectError(f"{path}: cannot be read ({error.strerror})", "check the name") from error
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"{path}: is no JSON file", _AGAIN) from error
    if not isinstance(values, Mapping) or values.get("format") != FORMAT:
        raise ProjectError(f"{path}: is no scan of the workbench", _AGAIN)
    if values.get("version") != VERSION:
        raise ProjectError(f"{path}: is a scan of version {values.get('version')!r}, not {VERSION}", _AGAIN)
    try:
        scan = scan_from_json(values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProjectError(f"{path}: is damaged ({type(error).__name__}: {error})", _AGAIN) from error
    if scan.model_digest != model_digest:
        raise ProjectError(f"{path}: is a scan of another model", _AGAIN)
    if scan.dataset_digest != dataset_digest:
        raise ProjectError(f"{path}: is a scan on other samples, or with other preprocessing", _AGAIN)
    return scan


def scan_to_json(scan: SensitivityScan) -> dict[str, object]:
    """A scan as plain dicts and lists; an infinite SQNR is null, as JSON knows no such number."""
    axes = scan.axes
    return {
        "format": FORMAT,
        "version": VERSION,
        "model_digest": scan.model_digest,
        "dataset_digest": scan.dataset_digest,
        "axes": {
            "weight_bits": list(axes.weight_bits),
            "activation_bits": list(axes.activation_bits),
            "sparsities": list(axes.sparsities),
            "ratios": list(axes.ratios),
            "style": _said(axes.style),
            "activation_style": _said(axes.activation_style),
            "criterion": axes.criterion,
        },
        "layers": list(scan.layers),
        "groups": [list(pair) for pair in scan.groups],
        "num_samples": scan.num_samples,
        "seconds": scan.seconds,
        "resumed": scan.num_resumed,
        "is_complete": scan.is_complete,
        "cells": [_cell_to_json(cell) for cell in scan.cells],
    }


def scan_from_json(values: Mapping[str, object]) -> SensitivityScan:
    """What `scan_to_json` gave. Raises KeyError, TypeError or ValueError for anything else."""
    axes = _mapping(values["axes"])
    criterion = axes["criterion"]
    return SensitivityScan(
        model_digest=_text(values["model_digest"]),
        dataset_digest=_text(values["dataset_digest"]),
        axes=ScanAxes(
            weight_bits=tuple(map(_whole, _list(axes["weight_bits"]))),
            activation_bits=tuple(map(_whole, _list(axes["activation_bits"]))),
            sparsities=tuple(map(_share, _list(axes["sparsities"]))),
            ratios=tuple(map(_share, _list(axes["ratios"]))),
            style=WeightRule(**_known(WeightRule, axes["style"])),  # type: ignore[arg-type] # the names are its own
            activation_style=ActivationRule(**_known(ActivationRule, axes["activation_style"])),  # type: ignore[arg-type] # as above
            criterion=None if criterion is None else _text(criterion),
        ),
        layers=tuple(map(_text, _list(values["layers"]))),
        cells=tuple(_cell_from_json(_mapping(cell)) for cell in _list(values["cells"])),
        num_samples=_whole(values["num_samples"]),
        seconds=_number(values["seconds"]),
        num_resumed=_whole(values["resumed"]),
        is_complete=values["is_complete"] is True,
        groups=tuple((_text(_list(pair)[0]), _text(_list(pair)[1])) for pair in _list(values["groups"])),
    )


def _cell_to_json(cell: ScanCell) -> dict[str, object]:
    values = cell.to_json()
    if cell.sqnr_db is not None and not math.isfinite(cell.sqnr_db):
        values["sqnr_db"] = None
    return values


def _cell_from_json(values: Mapping[str, object]) -> ScanCell:
    kl, drop, sqnr_db = values["kl"], values["accuracy_drop"], values["sqnr_db"]
    nothing_known = None if kl is None else math.inf
    return ScanCell(
        layer=_text(values["layer"]),
        setting=_setting_from_json(_mapping(values["setting"])),
        kl=None if kl is None else figure_from_json(kl),
        sqnr_db=nothing_known if sqnr_db is None else _number(sqnr_db),
        drop=None if drop is None else figure_from_json(drop),
        num_samples=_whole(values["n"]),
        error=_text(values["error"]),
    )


def _setting_from_json(values: Mapping[str, object]) -> ScanSetting:
    def read(name: str, reader: Callable[[object], float]) -> float | None:
        return None if name not in values else reader(values[name])

    weights, activations = read("weights", _whole), read("activations", _whole)
    return ScanSetting(
        weights=None if weights is None else int(weights),
        activations=None if activations is None else int(activations),
        sparsity=read("sparsity", _share),
        ratio=read("ratio", _share),
    )


def _said(rule: WeightRule | ActivationRule) -> dict[str, object]:
    values = {item.name: getattr(rule, item.name) for item in fields(rule)}
    return {name: value for name, value in values.items() if value is not None}


def _known(kind: type[WeightRule] | type[ActivationRule], values: object) -> dict[str, object]:
    names = {item.name for item in fields(kind)}
    found = dict(_mapping(values))
    if unknown := found.keys() - names:
        raise ValueError(f"{min(unknown)} is not known")
    return found


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} is not an object")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is not a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r} is not a number")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is not a whole number")
    return value


def _share(value: object) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{number!r} is not a share")
    return float(number)
