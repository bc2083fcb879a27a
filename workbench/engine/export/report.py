"""One page to share: what was asked, what was done, what it cost, and how it was checked.

A single HTML file that loads nothing from anywhere: the style and the drawings are inside, and no script.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape

from workbench.engine.core.format import (
    FOUND_AGREEMENT,
    format_bytes,
    format_count,
    format_figure,
    format_fraction,
    format_interval,
    format_metric,
    format_points,
    format_settings,
    format_share,
)
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.measurement import Figure
from workbench.engine.core.plan import Plan
from workbench.engine.core.reports import ApplyReport, ChannelProof, DataInfo, ModelSummary, Verification
from workbench.engine.export.report_bars import layer_bars
from workbench.engine.export.report_style import STYLE

_UNKNOWN = "unknown"


def render_report(apply_report: ApplyReport, info: ModelInfo, *, title: str, created: datetime) -> str:
    """The page as HTML text.

    Args:
        apply_report: what `apply` gave.
        info: the original model.
        title: heading of the page, plain text.
        created: shown as it is given, to the minute.
    """
    body = "\n".join(
        [
            _header(apply_report, info, title, created),
            _section("Before and after", _before_after(apply_report)),
            _section("Checked after writing", _verification(apply_report)),
            _section("What was done to each layer, and why", _plan(apply_report.plan)),
            _section(
                "Layers of the original, by size", layer_bars(info.layers, apply_report.plan, apply_report.shares)
            ),
            _footer(apply_report, info),
        ]
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _header(report: ApplyReport, info: ModelInfo, title: str, created: datetime) -> str:
    before, after = report.before.file_bytes, report.after.file_bytes
    share = format_fraction(after / before) if before else _UNKNOWN
    verdict = "verified" if report.verified.ok else "not verified"
    state = "good" if report.verified.ok else "bad"
    return (
        f"<header><h1>{escape(title)}</h1>"
        f'<p class="lead"><b>{format_bytes(after)}</b> instead of {format_bytes(before)} ({share} of it){_drop(report)}'
        f' <span class="badge {state}">{verdict}</span></p>'
        f'<p class="muted">{escape(info.path)} → {escape(str(report.output_path))} · '
        f"{created:%Y-%m-%d %H:%M}</p></header>"
    )


def _drop(report: ApplyReport) -> str:
    if report.difference is None:
        return ""
    interval = format_interval(report.difference, difference=True)
    return f", {escape(format_metric(report.metric))} <b>{format_figure(report.difference, difference=True)}</b>" + (
        f" ({interval}, 95 %)" if interval else ""
    )


def _before_after(report: ApplyReport) -> str:
    before, after = report.before, report.after
    rows = [
        ("File", format_bytes(before.file_bytes), format_bytes(after.file_bytes), _change(before, after)),
        (
            escape(format_metric(report.metric)),
            _figure(before.accuracy) if before.accuracy is not None or after.accuracy is None else "",
            _figure(after.accuracy),
            _difference(report.difference),
        ),
        *_found(report.found_agreement),
        ("Zeros among the weights", *_sparsity(before, after)),
        ("Parameters", format_count(before.num_params), format_count(after.num_params), ""),
        ("Multiply-adds, batch 1", _macs(before), _macs(after), ""),
    ]
    body = "".join(
        f'<tr><th scope="row">{name}</th><td>{old}</td><td>{new}</td><td>{change}</td></tr>'
        for name, old, new, change in rows
    )
    notes = _note_on_intervals(report.difference) + _note_on_guesses(report.data)
    return _table(("", "Original", "Compressed", "Change"), body) + notes


def _found(agreement: Figure | None) -> list[tuple[str, str, str, str]]:
    return [] if agreement is None else [(FOUND_AGREEMENT, "", _figure(agreement), "")]


def _note_on_intervals(difference: Figure | None) -> str:
    if difference is None or difference.low is None:
        return ""
    return (
        '<p class="muted">Intervals are 95 %. Both models answered the same samples, so the interval of the '
        "difference is that of paired answers.</p>"
    )


def _note_on_guesses(data: DataInfo | None) -> str:
    guesses = format_settings(data.preprocessing.guesses) if data is not None else ""
    return f'<p class="note">Guessed, as nobody gave it: {escape(guesses)}.</p>' if guesses else ""


def _change(before: ModelSummary, after: ModelSummary) -> str:
    if not before.file_bytes:
        return ""
    text = format_points(after.file_bytes / before.file_bytes - 1)
    return text.replace(" pp", " %")


def _sparsity(before: ModelSummary, after: ModelSummary) -> tuple[str, str, str]:
    if before.sparsity is None or after.sparsity is None:
        return format_share(before.sparsity), format_share(after.sparsity), ""
    change = format_points(after.sparsity - before.sparsity)
    return format_share(before.sparsity), format_share(after.sparsity), change


def _macs(summary: ModelSummary) -> str:
    return _UNKNOWN if summary.macs is None else format_count(summary.macs)


def _figure(figure: Figure | None) -> str:
    return "not evaluated" if figure is None else _with_origin(figure, format_figure(figure), format_interval(figure))


def _difference(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return _with_origin(figure, format_figure(figure, difference=True), format_interval(figure, difference=True))


def _with_origin(figure: Figure, value: str, interval: str) -> str:
    origin = str(figure.origin)
    band = ", ".join(part for part in (escape(interval), f"n = {figure.n:,}" if figure.n else "") if part)
    band = band and f'<br><span class="muted">{band}</span>'
    return f'{escape(value)} <span class="badge {origin}">{origin}</span>{band}'


def _verification(report: ApplyReport) -> str:
    verified = report.verified
    state, verdict = ("good", "verified") if verified.ok else ("bad", "failed")
    rows: Iterable[tuple[str, str]] = [
        ("Result", f'<span class="badge {state}">{verdict}</span> {_sentence(verified)}'),
        ("With the same answer", _agreement(verified)),
        ("Largest difference of any output", f"{verified.max_abs_difference:.3g}"),
        *_proof(report.channels),
        ("Bytes", f"{report.after.file_bytes:,} in the file, {report.preview_bytes:,} in the preview"),
        ("SHA-256", f"<code>{escape(report.output_sha256)}</code>" if report.is_written else "the file is not kept"),
    ]
    body = "".join(f'<tr><th scope="row">{name}</th><td class="text">{value}</td></tr>' for name, value in rows)
    return f'<div class="scroll"><table><tbody>{body}</tbody></table></div>'


def _proof(channels: ChannelProof | None) -> list[tuple[str, str]]:
    if channels is None:
        return []
    counted = f"{channels.samples:,} {'random inputs' if channels.is_random else 'samples'}"
    text = "In float, it computes what the whole model does with the removed channels at zero: "
    return [("Channels that went", f"{text}{counted}, to {channels.max_relative_difference:.1e} of the outputs' range")]


def _agreement(verified: Verification) -> str:
    if not verified.samples:
        return "no samples were given"
    text = f"{format_fraction(verified.agreement)} of {verified.counted}"
    return f"{text}, as no samples were given" if verified.is_random else text


def _sentence(verified: Verification) -> str:
    if verified.ok:
        return "The written file was opened again in a fresh process and answered as the preview did."
    if verified.first_difference:
        return (
            f"The first layer whose output differs from the preview: <code>{escape(verified.first_difference)}</code>."
        )
    return "The written file does not answer as the preview did."


def _plan(plan: Plan) -> str:
    if not plan.layers and not plan.notes:
        return '<p class="muted">The recipe touches no layer.</p>'
    return _table(("Layer", "Asked", "Done", "Why it differs"), "".join(_plan_rows(plan)), style="text") + "".join(
        f'<p class="note">{escape(note)}</p>' for note in plan.remarks
    )


def _plan_rows(plan: Plan) -> Iterator[str]:
    for entry in plan.layers:
        style = ' class="differs"' if entry.reason else ""
        # Repeating a long text hides the few rows that differ.
        done = "as asked" if entry.done == entry.asked else entry.done or "nothing"
        cells = "".join(f"<td>{escape(text)}</td>" for text in (entry.asked, done, entry.reason))
        yield f'<tr{style}><th scope="row">{escape(entry.layer)}</th>{cells}</tr>'


def _table(headings: Iterable[str], body: str, *, style: str = "figures") -> str:
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    return (
        f'<div class="scroll"><table class="{style}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _section(heading: str, content: str) -> str:
    return f"<section><h2>{heading}</h2>{content}</section>"


def _footer(report: ApplyReport, info: ModelInfo) -> str:
    return (
        f'<footer class="muted">Original: opset {info.opset}, SHA-256 <code>{escape(info.sha256)}</code>. '
        "<b>Measured</b>: run here, on the file itself. <b>Estimated</b>: computed. <b>Reported</b>: somebody else's "
        f"figure. {len(report.plan.layers)} of {len(info.layers)} layers are in the recipe.</footer>"
    )
