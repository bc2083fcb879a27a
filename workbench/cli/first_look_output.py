"""`workbench scan --first-look`: weights or activations? Each alone, then each layer alone and all without it."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from workbench.cli.output import figure_json, job, print_json, print_table, say_guesses
from workbench.engine.core.first_look import FirstLook
from workbench.engine.core.measurement import Figure
from workbench.engine.core.recipe import ActivationRule, Recipe, WeightRule
from workbench.jobs import Cancelled

_USUAL_BITS = 8


def one_width(option: str, given: tuple[float, ...], *, is_given: bool = True) -> int | None:
    """The bits that a look is at, of what was given for a scan; the usual ones if nothing was, None for none.

    Raises:
        UsageError: several were given.
    """
    if not is_given or (not given and option == "--activations"):
        return _USUAL_BITS
    if len(given) > 1:
        raise click.UsageError(f"{option}: a first look is at one number of bits")
    return int(given[0]) if given else None


def look_first(
    model: Path,
    data: Path,
    calibration: Path | None,
    widths: tuple[int | None, int | None],
    samples: int,
    settings: Mapping[str, object],
    *,
    as_json: bool,
) -> int:
    """Measure and print it; the exit status.

    Args:
        model: its file.
        data: samples to measure on.
        calibration: samples that set ranges; None to have those of `data` do.
        widths: bits of weights and of activations; None for float.
        samples: that each part is measured on.
        settings: how samples are made ready.
        as_json: one JSON object instead of a table.
    """
    from workbench.session import Session

    bits, inputs = widths
    weights = None if bits is None else WeightRule(bits=bits, range="mse")
    recipe = Recipe().with_rule("*", weights=weights, activations=None if inputs is None else ActivationRule(inputs))
    session, look, is_stopped = Session(), None, False
    session.open_model(model)
    with job("first look") as ctx:
        info = session.open_data(data, settings, ctx)
        if calibration is not None:
            session.open_calibration(calibration, settings, ctx)
        try:
            for look in session.first_look(recipe, limit=samples, ctx=ctx):  # noqa: B007 - the last counts
                pass
        except Cancelled:
            is_stopped = True
    if look is None:
        raise Cancelled
    if as_json:
        print_json({**_json(look, recipe), "guessed": info.preprocessing.guesses})
    else:
        _print(look)
    say_guesses(info, as_json=as_json)
    if is_stopped:
        print("interrupted: not all layers are measured", file=sys.stderr)
        return 130
    return 0


def _json(look: FirstLook, recipe: Recipe) -> dict[str, object]:
    return {
        "recipe": recipe.to_json(),
        "everything": figure_json(look.everything),
        "weights": figure_json(look.weights),
        "activations": figure_json(look.activations),
        "verdict": look.verdict or None,
        "layers": [
            {"layer": one.layer, "alone": figure_json(one.alone), "without": figure_json(one.without)}
            for one in look.layers
        ],
        "is_complete": look.is_complete,
    }


def _print(look: FirstLook) -> None:
    print_table(
        [
            ("all of it", _text(look.everything), ""),
            ("all weights", _text(look.weights), ""),
            ("all activations", _text(look.activations), ""),
            *((one.layer, _text(one.alone), _text(one.without)) for one in look.layers),
        ],
        ("what is quantized", "alone", "all without it"),
    )
    whole = look.everything
    if whole is not None:
        what = "KL divergence of the outputs, nats" if whole.unit == "nat" else "share of noise in the outputs"
        print(f"{what}; measured, {whole.n:,} samples")
    if look.verdict:
        print(look.verdict)


def _text(figure: Figure | None) -> str:
    return "–" if figure is None else f"{figure.value:.2g}"
