from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from workbench.engine.core.export_formats import ONNX_FORMAT, ExportFormat, ExportFormats
from workbench.engine.core.measurement import Figure, Origin
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import WeightRule
from workbench.engine.core.reports import ApplyReport, FormatReport, ModelSummary, Verification
from workbench.gui.export_dialog import ExportDialog, ExportWish
from workbench.gui.file_dialogs import Asks
from workbench.session import Session

_LONG_MS = 30_000


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
    wishes: list[ExportWish] = []
    dialog.export_wished.connect(wishes.append)

    dialog.encoding._choose("plain")
    dialog.start.click()

    assert wishes == [ExportWish(tmp_path / "out.onnx", "onnx", "plain", force=False)]
    assert dialog.is_running


_ORT = ExportFormat("ort", "for phones", ".ort")


def test_another_format_changes_the_ending_and_is_asked_for(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")
    wishes: list[ExportWish] = []
    dialog.export_wished.connect(wishes.append)
    assert [dialog.format.itemText(row) for row in range(dialog.format.count())] == ["ONNX (.onnx)"]

    dialog.show_formats(ExportFormats((ONNX_FORMAT, _ORT)))
    dialog.format.setCurrentIndex(1)
    dialog.start.click()

    assert wishes == [ExportWish(tmp_path / "out.ort", "ort", "auto", force=False)]
    assert dialog.format_note.text() == "for phones"


def test_a_format_that_was_chosen_stays_when_the_list_comes_again(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")
    dialog.show_formats(ExportFormats((ONNX_FORMAT, _ORT)))
    dialog.format.setCurrentIndex(1)

    dialog.show_formats(ExportFormats((ONNX_FORMAT, ExportFormat("abc", "", ".abc"), _ORT)))

    assert dialog.format.currentText() == "ORT (.ort)"
    assert dialog.path.text() == str(tmp_path / "out.ort")


def test_a_plugin_that_failed_is_named(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.onnx")

    dialog.show_formats(ExportFormats(problems=("plugin mine: no module named numpy2",)))

    assert not dialog.problems.isHidden()
    assert dialog.problems.text() == "plugin mine: no module named numpy2"


def test_a_plugin_s_file_is_not_called_verified(make_dialog, tmp_path):
    dialog = make_dialog(tmp_path / "out.ort")

    dialog.show_report(FormatReport("ort", Plan(()), tmp_path / "out.ort", 600_000, "cd" * 32))

    assert dialog.banner.headline == "Written, not compared with the preview"
    assert "600.0 kB" in dialog.outcome.text()
    assert dialog.sha256.text() == "cd" * 32


def test_the_window_offers_what_the_engine_s_plugins_write_and_writes_it(demo_window, demo_folder, qtbot, tmp_path):
    document = demo_window.document
    document.edit(document.recipe.with_rule("hidden", weights=WeightRule(bits=4)), "Bits")
    with qtbot.waitSignal(document.formats.changed, timeout=_LONG_MS):
        demo_window.jobs.export()
    dialog = demo_window.jobs.export_dialog
    names = [dialog.format.itemData(row).name for row in range(dialog.format.count())]
    assert names == ["onnx", "ort"]

    dialog.format.setCurrentIndex(1)
    dialog.path.setText(str(tmp_path / "small.ort"))
    with qtbot.waitSignal(document.awaited.exported, timeout=_LONG_MS):
        dialog.start.click()

    # The same recipe, written and run without the window.
    session = Session()
    session.open_model(demo_folder / "digits.onnx")
    session.export(document.recipe, tmp_path / "small.onnx")
    images = np.load(demo_folder / "digits.npz")["x"][:50].transpose(0, 3, 1, 2).astype(np.float32) / 255
    answers = [_answers(tmp_path / name, images) for name in ("small.ort", "small.onnx")]
    np.testing.assert_allclose(*answers, atol=1e-5)
    assert (tmp_path / "small.ort").read_bytes()[4:8] == b"ORTM"
    assert dialog.banner.headline == "Written, not compared with the preview"


def test_a_name_that_denies_the_format_is_refused(demo_window, qtbot, tmp_path):
    demo_window.jobs.export()
    dialog = demo_window.jobs.export_dialog
    qtbot.waitUntil(lambda: dialog.format.count() == 2, timeout=_LONG_MS)
    dialog.format.setCurrentIndex(1)
    dialog.path.setText(str(tmp_path / "small.onnx"))

    with qtbot.waitSignal(demo_window.document.awaited.export_failed, timeout=_LONG_MS):
        dialog.start.click()

    assert "give the file the ending .ort" in dialog.outcome.text()
    assert list(tmp_path.glob("small*")) == []


def _answers(path: Path, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


def test_a_file_that_exists_is_replaced_only_if_wanted(make_dialog, tmp_path):
    path = tmp_path / "out.onnx"
    path.write_bytes(b"mine")
    dialog = make_dialog(path, overwrite=False)
    wishes: list[ExportWish] = []
    dialog.export_wished.connect(wishes.append)

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
