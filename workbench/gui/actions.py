"""The one table of actions: menus, the tool bar and shortcuts are all made from it."""

from dataclasses import dataclass
from operator import attrgetter

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from workbench.gui.theme import Theme
from workbench.gui.widgets.icons import make_icon


@dataclass(frozen=True, slots=True)
class ActionEntry:
    """One action.

    Args:
        slot: name of a method of the window, or of one of its parts: "files.open_model".
        menu: title of the menu it stands in.
        short: text on the tool bar; empty if it does not stand there.
        needs: "model", "data" or "" — what must be open for it to be enabled.
        ends_group: whether a line follows it in the menu.
    """

    key: str
    text: str
    slot: str
    menu: str
    shortcut: str = ""
    icon: str = ""
    short: str = ""
    needs: str = ""
    tip: str = ""
    ends_group: bool = False


ACTIONS = (
    ActionEntry("open_model", "Open &model…", "files.open_model", "&File", "Ctrl+O", "open", "Open"),
    ActionEntry("open_data", "Open &data…", "files.open_data", "&File", "Ctrl+D", "data", needs="model"),
    ActionEntry("open_folder", "Open data &folder…", "files.open_data_folder", "&File", "Ctrl+Shift+D", needs="model"),
    ActionEntry("data_form", "Da&ta settings…", "data_form.open_form", "&File", "Ctrl+Alt+D", needs="data"),
    ActionEntry("calibration", "Calibration sam&ples…", "calibration.open_form", "&File", "Ctrl+K", needs="model"),
    ActionEntry("open_demo", "Open d&emo", "files.open_demo", "&File", "F2", ends_group=True),
    ActionEntry("open_project", "Open &project…", "files.open_project", "&File", "Ctrl+Shift+O"),
    ActionEntry("save_project", "&Save project", "files.save_project", "&File", "Ctrl+S", "save", needs="model"),
    ActionEntry("save_as", "Save project &as…", "files.save_project_as", "&File", "Ctrl+Shift+S", needs="model"),
    ActionEntry("open_recipe", "Open &recipe…", "files.open_recipe", "&File", "Ctrl+R", needs="model"),
    ActionEntry(
        "save_recipe", "Save re&cipe…", "files.save_recipe", "&File", "Ctrl+Shift+R", needs="model", ends_group=True
    ),
    ActionEntry("export", "&Export…", "jobs.export", "&File", "Ctrl+E", "export", needs="model", ends_group=True),
    ActionEntry("quit", "&Quit", "close", "&File", "Ctrl+Q"),
    ActionEntry("undo", "&Undo", "edits.undo", "&Edit", "Ctrl+Z", "undo", "Undo"),
    ActionEntry("redo", "&Redo", "edits.redo", "&Edit", "Ctrl+Shift+Z", "redo", "Redo"),
    ActionEntry("undo_history", "Undo &history", "edits.show_history", "&Edit", "Ctrl+H", ends_group=True),
    ActionEntry(
        "copy_command", "Copy as &command", "edits.copy_as_command", "&Edit", "Ctrl+Shift+C", "copy", needs="model"
    ),
    ActionEntry(
        "copy_python", "Copy as &Python", "edits.copy_as_python", "&Edit", "Ctrl+Shift+P", "copy", needs="model"
    ),
    ActionEntry("focus_filter", "&Find layer", "focus_filter", "&View", "Ctrl+F", "search"),
    ActionEntry("focus_table", "&Layers", "focus_table", "&View", "Ctrl+L"),
    ActionEntry("distribution", "&Distribution", "show_distribution", "&View", "Ctrl+1"),
    ActionEntry("sensitivity", "&Sensitivity", "show_sensitivity", "&View", "Ctrl+2"),
    ActionEntry("trade_off", "Trade-&off", "show_trade_off", "&View", "Ctrl+3"),
    ActionEntry("latency_page", "Latenc&y by layer", "show_latency", "&View", "Ctrl+4", ends_group=True),
    ActionEntry("theme", "Switch light and &dark", "switch_theme", "&View", "Ctrl+T", "theme"),
    ActionEntry(
        "solve",
        "Auto-&compress…",
        "solving.solve",
        "&Run",
        "Ctrl+Return",
        "solve",
        "Auto-compress",
        needs="data",
        tip="Search the best recipe within the budgets, and show what it changes",
    ),
    ActionEntry(
        "evaluate",
        "&Evaluate",
        "jobs.evaluate",
        "&Run",
        "F5",
        "evaluate",
        "Evaluate",
        needs="data",
        tip="Measure the accuracy on all samples, paired with the original",
    ),
    ActionEntry(
        "latency",
        "Measure &latency",
        "jobs.measure_latency",
        "&Run",
        "F6",
        "latency",
        "Latency",
        needs="model",
        tip="Time one inference at batch 1 on this computer",
    ),
    ActionEntry(
        "operators",
        "Time by &operator…",
        "operators.measure",
        "&Run",
        "Shift+F6",
        needs="model",
        tip="Measure what each operator takes on this computer, beside where the estimate puts the time",
    ),
    ActionEntry(
        "scan",
        "Measure se&nsitivity",
        "scanning.measure",
        "&Run",
        "F4",
        needs="data",
        tip="Measure what each bit width and sparsity of each layer alone does to the outputs",
    ),
    ActionEntry(
        "sqnr",
        "Measure &SQNR",
        "jobs.measure_sqnr",
        "&Run",
        "F7",
        needs="data",
        tip="Measure how much noise quantization adds to every layer's weights and output",
    ),
    ActionEntry(
        "suggest_float",
        "Suggest layers to keep in &float…",
        "float_layers.suggest",
        "&Run",
        "F8",
        needs="data",
        tip="Measure what quantizing each layer does to the outputs, and which layers should stay in float",
    ),
    ActionEntry(
        "other_cpus",
        "Accuracy on other &CPUs…",
        "other_cpus.compare",
        "&Run",
        "F9",
        needs="data",
        tip="Emulate how processors that add products otherwise compute the recipe, and which layers differ",
    ),
    ActionEntry(
        "choose_device",
        "Choose a de&vice…",
        "choose_device",
        "&Run",
        "Ctrl+Shift+L",
        needs="model",
        tip="Estimate the latency on a phone, a board or an NPU",
    ),
    ActionEntry(
        "own_devices",
        "&My devices…",
        "own_devices.open",
        "&Run",
        "Ctrl+Alt+L",
        tip="Add a device that you have measured on, export one, or take one in",
    ),
    ActionEntry("about", "&About", "about", "&Help", "F1"),
)

TOOLBAR = ("open_model", "", "undo", "redo", "", "solve", "evaluate", "latency")


def make_actions(window: QWidget) -> dict[str, QAction]:
    """Every action of the table, connected to the methods of the window and its parts, by key."""
    actions: dict[str, QAction] = {}
    for entry in ACTIONS:
        action = QAction(entry.text, window)
        action.setObjectName(entry.key)
        if entry.shortcut:
            action.setShortcut(QKeySequence(entry.shortcut))
        if entry.short:
            action.setIconText(entry.short)
        plain = entry.text.replace("&", "")
        tip = entry.tip or plain
        action.setToolTip(f"{tip} ({entry.shortcut})" if entry.shortcut else tip)
        action.triggered.connect(attrgetter(entry.slot)(window))
        actions[entry.key] = action
    return actions


def dress_actions(actions: dict[str, QAction], theme: Theme) -> None:
    """Give the actions icons in the theme's colours."""
    for entry in ACTIONS:
        if entry.icon:
            color = theme.tokens.on_accent if entry.key == "export" else theme.tokens.text
            actions[entry.key].setIcon(make_icon(entry.icon, color, theme.tokens.muted))
