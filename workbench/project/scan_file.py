"""A sensitivity scan as a readable JSON file, so that a search need not measure again what a scan found."""

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

from workbench.engine.core.errors import ProjectError, RecipeError
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import MAX_BITS, MIN_BITS, ActivationRule, WeightRule
from workbench.engine.core.sensitivity import ScanAxes, ScanCell, ScanSetting, SensitivityScan
from workbench.engine.core.whole_file import write_whole
from workbench.project.recipe_text import parse_recipe
from workbench.project.report_json import figure_from_json

FORMAT, VERSION = "workbench scan", 1
_LARGEST_BYTES = 256 << 20
# Beyond, floats no longer tell whole numbers apart; and no message holds a longer value.
_LARGEST, _LONGEST = 2**53, 60
_AGAIN = "scan again: `workbench scan MODEL --data D -o SCAN.json`"


def save_scan(path: Path, scan: SensitivityScan, *, force: bool = False) -> None:
    """Write a scan; what was there stays until the new one is whole. Raises ExportError."""
    write_whole(path, (json.dumps(scan_to_json(scan), indent=1) + "\n").encode(), force=force)


def load_scan(path: Path, *, model_digest: str, dataset_digest: str, layers: Collection[str]) -> SensitivityScan:
    """Read a scan of this very model on these very samples.

    Args:
        path: what `save_scan` or `workbench scan` wrote.
        model_digest: of the model that it must be of.
        dataset_digest: of the samples and their preprocessing.
        layers: names of the model's layers; the scan may hold no others.

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
    except KeyError as error:
        raise ProjectError(f"{path}: is damaged ({error} is missing)", _AGAIN) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise ProjectError(f"{path}: is damaged ({_cut(str(error), 2 * _LONGEST)})", _AGAIN) from error
    if scan.model_digest != model_digest:
        raise ProjectError(f"{path}: is a scan of another model", _AGAIN)
    if scan.dataset_digest != dataset_digest:
        raise ProjectError(f"{path}: is a scan on other samples, or with other preprocessing", _AGAIN)
    if stray := next((name for name in _names(scan) if name not in layers), None):
        raise ProjectError(f"{path}: is damaged ({_shown(stray)} is no layer of the model)", _AGAIN)
    return scan


def scan_to_json(scan: SensitivityScan) -> dict[str, object]:
    """A scan as plain dicts and lists; an infinite SQNR is null, as JSON knows no such number."""
    axes = scan.axes
    return {
        "format": FORMAT,
        "version": VERSION,
        "model_digest": scan.model_digest,
        "dataset_digest": scan.dataset_digest,
        "ranges_digest": scan.ranges_digest,
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
    """What `scan_to_json` gave. Raises KeyError, TypeError, ValueError or OverflowError for anything else."""
    axes = _mapping(values["axes"])
    criterion = axes["criterion"]
    style, activation_style = _styles(axes["style"], axes["activation_style"])
    scan = SensitivityScan(
        model_digest=_text(values["model_digest"]),
        dataset_digest=_text(values["dataset_digest"]),
        axes=ScanAxes(
            weight_bits=tuple(map(_bits, _list(axes["weight_bits"]))),
            activation_bits=tuple(map(_bits, _list(axes["activation_bits"]))),
            sparsities=tuple(map(_share, _list(axes["sparsities"]))),
            ratios=tuple(map(_share, _list(axes["ratios"]))),
            style=style,
            activation_style=activation_style,
            criterion=None if criterion is None else _text(criterion),
        ),
        layers=tuple(map(_text, _list(values["layers"]))),
        cells=tuple(_cell_from_json(_mapping(cell)) for cell in _list(values["cells"])),
        num_samples=_count(values["num_samples"]),
        seconds=_number(values["seconds"]),
        num_resumed=_count(values["resumed"]),
        is_complete=values["is_complete"] is True,
        groups=tuple(map(_pair, _list(values["groups"]))),
        # Older files say nothing of it.
        ranges_digest=_text(values.get("ranges_digest", "")),
    )
    scanned = set(scan.layers)
    if len(scanned) < len(scan.layers):
        raise ValueError("a layer is listed twice")
    # The first layer of a group has its ratios, also where its own weights cannot be changed.
    known = scanned | {first for _, first in scan.groups}
    if stray := next((cell.layer for cell in scan.cells if cell.layer not in known), None):
        raise ValueError(f"{_shown(stray)} has a cell and is not among the layers")
    return scan


def _names(scan: SensitivityScan) -> tuple[str, ...]:
    return (*scan.layers, *(name for pair in scan.groups for name in pair))


def _styles(weights: object, activations: object) -> tuple[WeightRule, ActivationRule]:
    """As rules of a recipe say them, so that nothing is taken here that a recipe could not hold."""
    rule = {"select": "*", "weights": _mapping(weights), "activations": _mapping(activations)}
    try:
        (read,) = parse_recipe(json.dumps({"version": 1, "rules": [rule]}), "style").rules
    except RecipeError as error:
        raise ValueError(str(error)) from error
    return read.weights or WeightRule(), read.activations or ActivationRule()


def _cell_to_json(cell: ScanCell) -> dict[str, object]:
    values = cell.to_json()
    if cell.sqnr_db is not None and not math.isfinite(cell.sqnr_db):
        values["sqnr_db"] = None
    return values


def _cell_from_json(values: Mapping[str, object]) -> ScanCell:
    kl, drop, sqnr_db = values["kl"], values["accuracy_drop"], values["sqnr_db"]
    # Older files say nothing of it.
    soft = values.get("soft_drop")
    nothing_known = None if kl is None else math.inf
    return ScanCell(
        layer=_text(values["layer"]),
        setting=_setting_from_json(_mapping(values["setting"])),
        kl=None if kl is None else _figure(kl, least=0.0),
        sqnr_db=nothing_known if sqnr_db is None else _number(sqnr_db),
        drop=None if drop is None else _figure(drop, least=-1.0),
        num_samples=_count(values["n"]),
        error=_text(values["error"]),
        soft_drop=None if soft is None else _figure(soft, least=-1.0),
    )


def _setting_from_json(values: Mapping[str, object]) -> ScanSetting:
    def read(name: str, reader: Callable[[object], float]) -> float | None:
        return None if name not in values else reader(values[name])

    weights, activations = read("weights", _bits), read("activations", _bits)
    return ScanSetting(
        weights=None if weights is None else int(weights),
        activations=None if activations is None else int(activations),
        sparsity=read("sparsity", _share),
        ratio=read("ratio", _share),
    )


def _said(rule: WeightRule | ActivationRule) -> dict[str, object]:
    values = {item.name: getattr(rule, item.name) for item in fields(rule)}
    return {name: value for name, value in values.items() if value is not None}


def _figure(values: object, *, least: float) -> Figure:
    figure = figure_from_json(values)
    ends = [end for end in (figure.value, figure.low, figure.high) if end is not None]
    if not all(math.isfinite(end) for end in ends) or figure.value < least:
        raise ValueError(f"a figure of {_shown(figure.value)} is not possible")
    return figure


def _pair(value: object) -> tuple[str, str]:
    pair = _list(value)
    if len(pair) != 2:
        raise ValueError(f"{_shown(value)} is no layer with the first of its group")
    return _text(pair[0]), _text(pair[1])


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{_shown(value)} is not an object")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise TypeError(f"{_shown(value)} is not a list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{_shown(value)} is not a text")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{_shown(value)} is not a number")
    # A whole number of some hundred digits is none of ours, and too large for a float.
    if not -_LARGEST <= value <= _LARGEST:
        raise ValueError(f"{_shown(value)} is not a number that a scan can hold")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{_shown(value)} is not a whole number")
    return value


def _count(value: object) -> int:
    number = _whole(value)
    if not 0 <= number <= _LARGEST:
        raise ValueError(f"{_shown(number)} is no count")
    return number


def _bits(value: object) -> int:
    number = _whole(value)
    if not MIN_BITS <= number <= MAX_BITS:
        raise ValueError(f"{_shown(number)} is no number of bits from {MIN_BITS} to {MAX_BITS}")
    return number


def _share(value: object) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{_shown(number)} is not a share")
    return float(number)


def _shown(value: object) -> str:
    """The value as a message can hold it."""
    return _cut(repr(value), _LONGEST)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"
