from dataclasses import replace
from pathlib import Path

import pytest

from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.plan import Plan
from workbench.engine.core.reports import ApplyReport, ModelSummary, Verification
from workbench.gui.export_dialog import ExportDialog
from workbench.gui.file_dialogs import Asks


@pytest.fixture
def make_dialog(theme, qtbot):
    def make(path: Path, *, overwrite: bool = False) -> ExportDialog:
        dialog = ExportDialog(theme, Asks(ask_overwrite=lambda parent, path: overwrite), path, "auto")
        qtbot.addWidget(dialog)
        return dialog

    return make


def report_of(path: Path, *, ok: bool) -> ApplyReport:
    return ApplyReport(
        plan=Plan(()),
        before=ModelSummary(4_000_000, 1_000_000, None, 0.0),
        after=ModelSummary(600_000, 1_000_000, None, 0.5),
        preview_bytes=600_000,
        preview_accuracy=None,
        difference=None,
        verified=Verification(128, 0.25 if not ok else 0.0, 1.0, ok, "" if ok else "conv3"),
        output_path=path,
        output_sha256="ab" * 32,
    )


def test_export_asks_for_the_chosen_file_and_encoding(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")
    wishes: list[tuple] = []
    dialog.export_wished.connect(lambda *wish: wishes.append(wish))

    dialog.encoding._choose("plain")
    dialog.start.click()

    assert wishes == [(tmp_path / "out.onnx", "plain", False)]
    assert dialog.is_running


def test_a_file_that_exists_is_replaced_only_if_wanted(make_dialog, tmp_path):
    path = tmp_path / "out.onnx"
    path.write_bytes(b"mine")
    dialog = make_dialog(path, overwrite=False)
    wishes: list[tuple] = []
    dialog.export_wished.connect(lambda *wish: wishes.append(wish))

    dialog.start.click()

    assert wishes == []
    assert not dialog.is_running


def test_the_result_says_what_was_verified(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")

    dialog.show_report(report_of(tmp_path / "out.onnx", ok=True))

    assert dialog.banner.headline == "Verified: the file is what you saw"
    assert "3.81 MiB → 600.0 kB (−85 %)" in dialog.outcome.text()
    assert dialog.sha256.text() == "ab" * 32
    assert not dialog.sha256_line.isHidden()


def test_random_inputs_are_not_called_samples(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")

    dialog.show_report(
        replace(report_of(tmp_path / "out.onnx", ok=True), verified=Verification(8, 0.0, 1.0, ok=True, is_random=True))
    )

    assert "100.0 % of 8 random inputs" in dialog.outcome.text()
    assert "8 random inputs" in dialog.banner.accessibleName()


def test_a_mismatch_names_the_layer(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")

    dialog.show_report(report_of(tmp_path / "out.onnx", ok=False))

    assert dialog.banner.headline == "Not written: the file would not be what you saw"
    assert "first differs in conv3" in dialog.banner.accessibleName()


def test_a_failure_is_readable_and_can_be_tried_again(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")
    dialog.start.click()

    dialog.show_failure("no room on the disk; free some space")

    assert "no room on the disk" in dialog.outcome.text()
    assert "no room on the disk" not in dialog.banner.accessibleName()
    assert dialog.start.isEnabled()


def test_a_long_failure_leaves_the_file_s_row_its_height(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")
    dialog.show()
    before = dialog.path.height()
    dialog.start.click()

    dialog.show_failure("the folder cannot be written to; " * 20)

    assert dialog.path.height() == before


def test_what_the_user_has_stopped_is_no_failure(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")
    dialog.start.click()

    dialog.show_stopped()

    assert dialog.banner.headline == "Export stopped"
    assert dialog.outcome.isHidden()
    assert dialog.start.isEnabled()


@pytest.mark.parametrize(
    ("metric", "figure", "text"),
    [
        ("top1", Figure(0.981, "fraction", Origin.MEASURED), "Accuracy (top1)</td><td><b>98.1 %"),
        ("psnr", Figure(31.2, "dB", Origin.MEASURED), "PSNR</td><td><b>31.2 dB"),
        ("agreement", Figure(0.9, "fraction", Origin.MEASURED), "Agreement with the original</td><td><b>90.0 %"),
    ],
)
def test_a_figure_is_called_by_its_metric_and_has_its_unit(make_dialog, tmp_path, metric, figure, text):
    report = report_of(tmp_path / "out.onnx", ok=True)
    dialog = make_dialog(tmp_path / "out.onnx")

    dialog.show_report(replace(report, metric=metric, after=replace(report.after, accuracy=figure)))

    assert text in dialog.outcome.text()
