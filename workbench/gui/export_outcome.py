"""What the export dialog says of a file that was written: lines of a name and a value, and the banner over them."""

from dataclasses import dataclass

from workbench.engine.core.format import format_bytes, format_figure, format_fraction, format_metric, format_nan
from workbench.engine.core.reports import ApplyReport, ChannelProof, FormatReport
from workbench.gui.change_text import format_change


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an export ended.

    Args:
        tone, headline, detail: of the banner.
        lines: pairs of a name and a value.
        sha256: of the written file; empty where none was written.
    """

    tone: str
    headline: str
    detail: str
    lines: tuple[tuple[str, str], ...]
    sha256: str


def outcome_of(report: ApplyReport | FormatReport) -> Outcome:
    """What to say of a report."""
    return _in_format(report) if isinstance(report, FormatReport) else _compared(report)


def _in_format(report: FormatReport) -> Outcome:
    """A plugin's file says nothing of itself: no comparison is claimed."""
    lines = (
        ("File", report.output_path.name),
        ("Format", report.format),
        ("Size", f"{format_bytes(report.file_bytes)}{' – ' + report.growth if report.growth else ''}"),
    )
    detail = "its own runtime alone can run it, so try it there"
    return Outcome("accent", "Written, not compared with the preview", detail, lines, report.output_sha256)


def _compared(report: ApplyReport) -> Outcome:
    verified = report.verified
    exact = f"{verified.counted}, largest difference {verified.max_abs_difference:.3g}"
    before, after = report.before.file_bytes, report.after.file_bytes
    change = after / before - 1 if before else 0.0
    lines = [
        ("File", report.output_path.name if report.is_written else "not written; what was there before stays"),
        ("Size", f"{format_bytes(before)} → {format_bytes(after)} ({format_change(change)})"),
        ("Preview said", format_bytes(report.preview_bytes)),
        ("Same answers", f"{format_fraction(verified.agreement)} of {verified.counted}"),
        ("Largest difference", f"{verified.max_abs_difference:.3g}"),
    ]
    if report.channels is not None:
        lines.append(("Channels that went", _proof_text(report.channels)))
    if verified.num_nan:
        lines.append(("Not numbers", format_nan(verified.num_nan, verified.samples)))
    if report.after.accuracy is not None:
        lines.insert(3, (format_metric(report.metric), format_figure(report.after.accuracy)))
    if verified.ok:
        return Outcome("good", "Verified: the file is what you saw", exact, tuple(lines), report.output_sha256)
    where = f"; first differs in {verified.first_difference}" if verified.first_difference else ""
    return Outcome("bad", "Not written: the file would not be what you saw", exact + where, tuple(lines), "")


def _proof_text(proof: ChannelProof) -> str:
    """That nothing else was lost with the channels, and on what that was seen."""
    what = "random inputs" if proof.is_random else "samples"
    said = "proven: as with them at zero" if proof.ok else "not proven"
    return f"{said}, {proof.samples} {what}, largest relative difference {proof.max_relative_difference:.1e}"
