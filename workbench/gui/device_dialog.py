"""A user's own devices: adding one from measurements, with what the fit makes of them, and those that are kept."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from workbench.engine.core.device_fit import DeviceFit
from workbench.engine.core.device_profile import DeviceProfile
from workbench.gui.device_texts import device_groups, device_text, fit_text, is_own, source_text, told_apart
from workbench.gui.device_wish import DeviceWish
from workbench.gui.file_dialogs import DEVICE_FILTER, MODEL_FILTER, TIMES_FILTER, Asks
from workbench.gui.measured_rows import MeasuredRows
from workbench.gui.theme import Theme
from workbench.gui.widgets.card import Card, make_label
from workbench.gui.widgets.device_picker import DevicePicker

_EXPLANATION = (
    "One time of one model on your device says more than any data sheet. Give the nearest device there is, and the "
    "milliseconds of one inference at batch 1, with the same runtime; two or three unlike models say more."
)
_REST_MS = 300
_ID_ROLE = Qt.ItemDataRole.UserRole


class DeviceDialog(QDialog):
    """Stays beside the window. It asks by signals, and is told the answers.

    `fit_wished(wish)` when what is asked for has rested; `keep_wished(wish, force)`; `remove_wished(id)`,
    `export_wished(id, path)`, `import_wished(path)`; `times_wished(path)` and `paste_wished(text)` for a tool's output.
    """

    fit_wished = Signal(object)
    keep_wished = Signal(object, bool)
    remove_wished = Signal(str)
    export_wished = Signal(str, object)
    import_wished = Signal(object)
    times_wished = Signal(object)
    paste_wished = Signal(str)

    def __init__(self, theme: Theme, asks: Asks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._asks = asks
        self._open_model: Path | None = None
        self._profiles: dict[str, DeviceProfile] = {}
        self._fitted: DeviceWish | None = None
        self._refusal = ""
        self._tone = "muted"
        self.setWindowTitle("My devices")
        self.setModal(False)
        self.resize(760, 620)
        self.like = DevicePicker(
            theme, "Like", "The same or the nearest chip, with the same runtime…", self, can_clear=False
        )
        self.name = QLineEdit(self, placeholderText="What you call it")
        self.name.setObjectName("filter")
        self.name.setAccessibleName("Name of the device")
        self.rows = MeasuredRows(self)
        self.said = make_label("", parent=self)
        self.said.setWordWrap(True)
        self.own = QListWidget(self)
        self.own.setAccessibleName("Your devices")
        self._make_buttons()
        self._lay_out()
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self._ask)
        self.like.chosen.connect(self._on_edited)
        self.name.textChanged.connect(self._on_edited)
        self.rows.edited.connect(self._on_edited)
        self.own.currentRowChanged.connect(self._show_state)
        theme.changed.connect(self._dress)
        self._show_state()

    def _make_buttons(self) -> None:
        self.add_file = QPushButton("Model file…", self)
        self.add_open = QPushButton("The open model", self)
        self.from_file = QPushButton("Times from a file…", self)
        self.paste = QPushButton("Paste times", self)
        self.drop = QPushButton("Remove row", self)
        self.keep = QPushButton("Keep", self)
        self.keep.setObjectName("primary")
        self.close_button = QPushButton("Close", self)
        self.remove = QPushButton("Remove", self)
        self.export = QPushButton("Export…", self)
        self.take_in = QPushButton("Import…", self)
        tools = "benchmark_model, onnxruntime_perf_test, benchncnn or an AI Hub profile"
        self.from_file.setToolTip(f"Read what {tools} has written")
        self.paste.setToolTip(f"Read what {tools} has printed from the clipboard")
        for button, slot in (
            (self.add_file, self._on_file),
            (self.add_open, self._on_open_model),
            (self.from_file, self._on_times),
            (self.paste, self._on_paste),
            (self.drop, self.rows.drop_selected),
            (self.keep, self._on_keep),
            (self.close_button, self.close),
            (self.remove, self._on_remove),
            (self.export, self._on_export),
            (self.take_in, self._on_import),
        ):
            # Enter in a field must not press any of them.
            button.setAutoDefault(False)
            button.clicked.connect(slot)

    def _lay_out(self) -> None:
        explanation = make_label(_EXPLANATION, "muted", self)
        explanation.setWordWrap(True)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Like", self.like)
        form.addRow("Name", self.name)
        rows_buttons, end, own_buttons = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        for button in (self.add_file, self.add_open, self.from_file, self.paste, self.drop):
            rows_buttons.addWidget(button)
        rows_buttons.addStretch(1)
        end.addWidget(self.said, 1)
        end.addWidget(self.keep)
        kept = Card("Your devices", inner=True, parent=self)
        self.own.setMaximumHeight(110)
        kept.column.addWidget(self.own)
        for button in (self.remove, self.export, self.take_in):
            own_buttons.addWidget(button)
        own_buttons.addStretch(1)
        kept.column.addLayout(own_buttons)
        closing = QHBoxLayout()
        closing.addStretch(1)
        closing.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(explanation)
        column.addLayout(form)
        column.addWidget(self.rows, 1)
        column.addLayout(rows_buttons)
        column.addLayout(end)
        column.addWidget(kept)
        column.addLayout(closing)
        for first, second in pairwise((
            self.like, self.name, self.rows, self.add_file, self.add_open, self.from_file, self.paste, self.drop,
            self.keep, self.own, self.remove, self.export, self.take_in, self.close_button,
        )):  # fmt: skip
            self.setTabOrder(first, second)

    # What is told

    def show_devices(self, profiles: Sequence[DeviceProfile]) -> None:
        """These devices can be chosen, and those of the user's own are listed."""
        self._profiles = {profile.id: profile for profile in profiles}
        self.like.set_groups(device_groups(profiles))
        chosen = self._chosen
        self.own.clear()
        names = told_apart(filter(is_own, profiles), lambda profile: f"{device_text(profile)}, {profile.soc}")
        for profile in profiles:
            if is_own(profile):
                item = QListWidgetItem(names[profile.id], self.own)
                item.setData(_ID_ROLE, profile.id)
                item.setToolTip(source_text(profile))
                if profile.id == chosen:
                    self.own.setCurrentItem(item)
        self._show_state()

    def show_model(self, path: str | None) -> None:
        """This model lies on the bench; none."""
        self._open_model = Path(path) if path else None
        self._show_state()

    def show_fit(self, wish: DeviceWish, fit: DeviceFit) -> None:
        """What the measurements make of the profile."""
        if wish != self.wish:
            return
        self.rows.show_fit(fit.times)
        # What has no figure there says nothing of the device.
        has_figures = any(time.before_ms is not None for time in fit.times)
        self._fitted = wish if has_figures else None
        self._say("\n".join((fit_text(fit), *fit.notes)), "good" if has_figures and not fit.notes else "warn")
        self._show_state()

    def show_refusal(self, text: str) -> None:
        """The engine could not do what was asked."""
        self._refusal = text
        self._say(text, "bad")
        self._show_state()

    def show_done(self, text: str) -> None:
        """The engine has done what was asked."""
        self._say(text, "good")
        self._show_state()

    def put_times(self, times: Sequence[object]) -> None:
        """Take the times that a tool has printed into the rows."""
        self.rows.put_times(times)  # type: ignore[arg-type] # the engine's answer, of that type
        self._show_state()

    # What is asked

    @property
    def wish(self) -> DeviceWish:
        """What is asked for now, complete or not."""
        return DeviceWish(self.name.text().strip(), self.like.value, self.rows.measured())

    @property
    def _chosen(self) -> str:
        item = self.own.currentItem()
        return str(item.data(_ID_ROLE)) if item is not None else ""

    def _lack(self) -> str:
        """What is missing before anything can be fitted; empty if nothing is."""
        if not self.like.value:
            return "Choose the device that yours is like."
        if not self.rows.rowCount():
            return "Add a model that you have measured there."
        return self.rows.lack()

    @Slot()
    def _on_edited(self) -> None:
        self._fitted, self._refusal = None, ""
        self.rows.blockSignals(True)
        self.rows.show_fit(())
        self.rows.blockSignals(False)
        self._say(self._lack() or "Fitting…", "muted")
        self._rest.start()
        self._show_state()

    @Slot()
    def _ask(self) -> None:
        if not self._lack():
            self.fit_wished.emit(self.wish)

    @Slot()
    def _on_keep(self) -> None:
        wish = self.wish
        self.keep_wished.emit(wish, self._is_there(wish))

    @Slot()
    def _on_file(self) -> None:
        path = self._asks.ask_open(self, "A model that was measured", "", MODEL_FILTER)
        if path is not None:
            self.rows.put_model(path)

    @Slot()
    def _on_open_model(self) -> None:
        if self._open_model is not None:
            self.rows.put_model(self._open_model)

    @Slot()
    def _on_times(self) -> None:
        path = self._asks.ask_open(self, "What a measuring tool has written", "", TIMES_FILTER)
        if path is not None:
            self.times_wished.emit(path)

    @Slot()
    def _on_paste(self) -> None:
        self.paste_wished.emit(QGuiApplication.clipboard().text())

    @Slot()
    def _on_remove(self) -> None:
        if self._chosen and self._asks.ask_remove(self, self._chosen):
            self.remove_wished.emit(self._chosen)

    @Slot()
    def _on_export(self) -> None:
        if self._chosen:
            path = self._asks.ask_save(self, "Export a device", f"{self._chosen}.json", DEVICE_FILTER)
            if path is not None:
                self.export_wished.emit(self._chosen, path)

    @Slot()
    def _on_import(self) -> None:
        path = self._asks.ask_open(self, "Import a device", "", DEVICE_FILTER)
        if path is not None:
            self.import_wished.emit(path)

    def _is_there(self, wish: DeviceWish) -> bool:
        """Whether an own device of that name would be replaced."""
        known = self._profiles.get(wish.id)
        return known is not None and is_own(known)

    def _say(self, text: str, tone: str) -> None:
        self._tone = tone
        self.said.setText(text)
        self._dress()

    @Slot()
    def _show_state(self) -> None:
        wish = self.wish
        is_ready = self._fitted is not None and self._fitted == wish
        self.keep.setEnabled(is_ready and bool(wish.id))
        self.keep.setText("Replace" if wish.id and self._is_there(wish) else "Keep")
        self.keep.setToolTip((self._refusal if not is_ready else "") if wish.id else "Give it a name first")
        self.add_open.setEnabled(self._open_model is not None)
        for button in (self.remove, self.export):
            button.setEnabled(bool(self._chosen))
        if not self.said.text():
            self._say(self._lack(), "muted")

    @Slot()
    def _dress(self) -> None:
        self.said.setStyleSheet(f"color: {getattr(self._theme.tokens, self._tone)};")
