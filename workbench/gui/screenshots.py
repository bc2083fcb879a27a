"""Pictures of the window in both themes, with the demo open: `python -m workbench.gui.screenshots OUT_DIR`."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication

from workbench.engine.core.errors import WorkbenchError
from workbench.engine.core.recipe import ActivationRule, Prune, WeightRule
from workbench.gui.document import Document
from workbench.gui.garbage import MainThreadGarbage
from workbench.gui.main_window import MainWindow
from workbench.gui.panels.channel_edits import ChannelWish
from workbench.gui.panels.distribution_tab import CHANNELS, INPUT
from workbench.gui.panels.layer_edits import selectors_for
from workbench.gui.theme import DARK, LIGHT, Theme, Tokens
from workbench.project.budgets import Budgets
from workbench.project.demo_files import demo_files

WIDTH, HEIGHT = 1600, 1000
_TIMEOUT_S = 120
_PHONE = "oneplus-7t/ncnn/cpu-4t"
_BITS = (8, 6, 6, 5, 4, 4)


def take_screenshots(out: Path, model: Path, data: Path) -> list[Path]:
    """Open the files, set a recipe of mixed widths, wait for the figures, and write one picture a theme.

    Raises:
        WorkbenchError: the figures did not come within two minutes.
    """
    application = QApplication.instance() or QApplication(sys.argv[:1])
    out.mkdir(parents=True, exist_ok=True)
    garbage = MainThreadGarbage()
    theme = Theme()
    theme.apply(application, LIGHT)
    document = Document()
    window = MainWindow(document, theme, QSettings(str(out / "screenshots.ini"), QSettings.Format.IniFormat))
    try:
        window.resize(WIDTH, HEIGHT)
        window.show()
        window.files.open_path(model)
        _wait(lambda: document.model is not None, "the model")
        window.files.open_path(data)
        _wait(lambda: document.dataset is not None, "the data")
        _set_recipe(document)
        document.released()
        _wait(lambda: _has_accuracy(document), "the accuracy")
        # Between two measurements nothing is under way, either: what is waited for are the figures.
        _wait(lambda: _has_figures(document), "the accuracy on all samples, the size and the latency")
        _wait(lambda: window.distribution.has_curves, "the histogram")
        _set_budgets(document)
        pictures = [_grab(window, theme, application, tokens, out) for tokens in (LIGHT, DARK)]
        shown = ((_show_latency, "latency"), (_show_sensitivity, "sensitivity"), (_show_trade_off, "tradeoff"))
        for show, name in shown:
            show(window)
            pictures += [_grab(window, theme, application, tokens, out, name) for tokens in (LIGHT, DARK)]
        window.all_actions["distribution"].trigger()
        _show_activations(window)
        pictures.append(_grab(window, theme, application, LIGHT, out, "activations"))
        _show_channels(window)
        return [*pictures, *(_grab(window, theme, application, tokens, out, "channels") for tokens in (LIGHT, DARK))]
    finally:
        document.close()
        garbage.close()
        window.deleteLater()
        application.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        (out / "screenshots.ini").unlink(missing_ok=True)


def _set_recipe(document: Document) -> None:
    """Widths that fall and sparsities that rise along the network, as a person might leave them."""
    model, recipe = document.model, document.recipe
    assert model is not None
    editable = [layer for layer in model.layers if layer.editable]
    for number, layer in enumerate(editable):
        share = number / max(1, len(editable) - 1)
        weights = WeightRule(bits=_BITS[round(share * (len(_BITS) - 1))], granularity="per_channel", range="mse")
        prune = Prune("weights", sparsity=round(0.6 * share, 2)) if number else None
        recipe = recipe.with_rule(selectors_for(model, (layer,)), weights=weights, prune=prune)
    document.edit(recipe, "Mixed widths")
    widest = max(editable, key=lambda layer: layer.num_params)
    document.select((widest.name,))


def _set_budgets(document: Document) -> None:
    """Limits that are met, with some room."""
    accuracy, latency, size = document.figures.accuracy, document.figures.latency, document.figures.exact_bytes
    assert accuracy is not None
    assert latency is not None
    assert size is not None
    document.set_budgets(Budgets(accuracy.figure.value - 0.02, 1.3 * size, 1.5 * latency.p50.value))


def _show_latency(window: MainWindow) -> None:
    """Where the time goes on a phone, and what the recipe takes there."""
    latency = window.document.latency
    window.all_actions["latency_page"].trigger()
    latency.choose(_PHONE)
    _wait(lambda: latency.profile is not None and latency.original is not None, "the device")
    _wait(lambda: latency.is_current and latency.estimate is not None, "the latency on a device")


def _show_sensitivity(window: MainWindow) -> None:
    """A whole scan, and what it says of mixes learned."""
    document = window.document
    window.all_actions["sensitivity"].trigger()
    window.all_actions["scan"].trigger()
    _wait(lambda: document.scans.scan is not None and document.scans.scan.is_complete, "the sensitivity scan")
    _wait(lambda: document.predictions.prediction is not None and not document.searching.is_fitting, "the prediction")
    _wait(lambda: document.measuring.is_idle, "the figures after the scan")


def _show_trade_off(window: MainWindow) -> None:
    """What a search finds within the budgets, beside the recipe on the bench."""
    document = window.document
    window.all_actions["trade_off"].trigger()
    window.all_actions["solve"].trigger()
    _wait(lambda: document.trade_off.result is not None and document.trade_off.result.is_final, "the search")
    if window.solving.dialog is not None:
        window.solving.dialog.close()
    _wait(lambda: document.measuring.is_idle, "the figures after the search")


def _show_activations(window: MainWindow) -> None:
    """Activations quantized coarsely enough to see it, measured as a person would."""
    document = window.document
    model, recipe = document.model, document.recipe
    assert model is not None
    rule = ActivationRule(bits=8, range="percentile")
    recipe = recipe.with_rule("*", weights=WeightRule(rounding="nearest"), activations=rule)
    document.edit(recipe, "Activations")
    document.released()
    window.layers.card.show_page("activations")
    window.distributions.show_side(INPUT)
    _wait(lambda: window.activations.has_answer, "the activations")
    _wait(lambda: document.measuring.is_idle, "the figures with activations")
    document.awaited.measure_sqnr(document.recipe)
    _wait(lambda: document.figures.sqnr is not None and document.measuring.is_idle, "the SQNR")


def _show_channels(window: MainWindow) -> None:
    """A third of the channels of the group with the most layers go, beside the widths that were set."""
    document = window.document
    _wait(lambda: document.channels.now.channels is not None, "the channel groups")
    groups = [group for group in document.channels.now.groups.values() if group.num_units]
    widest = max(groups, key=lambda group: len(group.members))
    document.select((widest.members[-1],))
    window.layers.edits.set_channels(ChannelWish(ratio=0.4))
    document.released()
    window.layers.card.show_page("channels")
    window.distributions.show_side(CHANNELS)
    _wait(lambda: window.channels.has_scores, "the importance of the channels")
    _wait(lambda: _has_accuracy(document), "the accuracy without the channels")
    _wait(lambda: document.measuring.is_idle, "the figures without the channels")


def _has_accuracy(document: Document) -> bool:
    report = document.figures.accuracy
    return report is not None and report.is_final and report.recipe_digest == document.recipe.digest


def _has_figures(document: Document) -> bool:
    """Whether all of the recipe on the bench is measured: its accuracy on all samples, its size and its latency."""
    figures, data = document.figures, document.dataset
    accuracy, latency = figures.accuracy, figures.latency
    if accuracy is None or latency is None or data is None or figures.exact_bytes is None:
        return False
    return _has_accuracy(document) and accuracy.done >= data.num_samples and figures.is_current(latency)


def _grab(
    window: MainWindow, theme: Theme, application: QCoreApplication, tokens: Tokens, out: Path, what: str = "window"
) -> Path:
    theme.apply(application, tokens)
    _rest(300)
    path = out / f"{what}-{theme.tokens.name}.png"
    window.grab().save(str(path))
    return path


def _wait(is_there: Callable[[], bool], what: str) -> None:
    for _ in range(_TIMEOUT_S * 20):
        if is_there():
            return
        _rest(50)
    raise WorkbenchError(f"{what} did not come within {_TIMEOUT_S} s", "look at the log")


def _rest(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def main(arguments: list[str] | None = None) -> int:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args(arguments)
    demo_model, demo_data = demo_files() or (None, None)
    model, data = given.model or demo_model, given.data or demo_data
    if model is None or data is None:
        sys.stderr.write("error: the demo's files are missing; give --model and --data\n")
        return 2
    # Pictures need no screen, and look the same with and without one.
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        for path in take_screenshots(given.out, model, data):
            sys.stdout.write(f"{path}\n")
    except WorkbenchError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
