"""Devices in the window: the chosen one, remembered between runs, and the dialog of a user's own."""

from pathlib import Path

from PySide6.QtCore import QObject, QSettings, Slot
from PySide6.QtWidgets import QWidget

from workbench.engine.core.device_profile import DeviceProfile
from workbench.gui.device_dialog import DeviceDialog
from workbench.gui.device_wish import DeviceWish
from workbench.gui.document import Document
from workbench.gui.file_dialogs import Asks
from workbench.gui.own_devices import OwnDevices
from workbench.gui.theme import Theme

_KEY = "device"


class WindowDevices(QObject):
    """The window's slots for devices."""

    def __init__(self, document: Document, theme: Theme, asks: Asks, settings: QSettings, window: QWidget) -> None:
        super().__init__(window)
        self._document = document
        self._theme = theme
        self._asks = asks
        self._settings = settings
        self._window = window
        self.own = OwnDevices(document.engine, document.devices, self)
        self.dialog: DeviceDialog | None = None
        document.latency.choose(str(settings.value(_KEY, "") or ""))
        document.latency.device_changed.connect(self._on_device)

    @Slot()
    def open(self) -> None:
        """Open the dialog of the user's own devices."""
        if self.dialog is None:
            self.dialog = self._make()
        self._document.devices.ask()
        self._on_devices()
        self._on_model()
        self.dialog.show()
        self.dialog.raise_()

    def _make(self) -> DeviceDialog:
        dialog, own, document = DeviceDialog(self._theme, self._asks, self._window), self.own, self._document
        dialog.fit_wished.connect(own.fit)
        dialog.keep_wished.connect(self._on_keep)
        dialog.remove_wished.connect(own.remove)
        dialog.export_wished.connect(self._on_export)
        dialog.import_wished.connect(self._on_import)
        dialog.times_wished.connect(own.read_times)
        dialog.paste_wished.connect(own.read_pasted)
        own.fitted.connect(dialog.show_fit)
        own.times_read.connect(dialog.put_times)
        own.refused.connect(dialog.show_refusal)
        own.kept.connect(self._on_kept)
        own.removed.connect(self._on_removed)
        own.exported.connect(self._on_exported)
        document.devices.changed.connect(self._on_devices)
        document.model_changed.connect(self._on_model)
        return dialog

    @Slot(str)
    def _on_device(self, device: str) -> None:
        self._settings.setValue(_KEY, device)

    @Slot()
    def _on_devices(self) -> None:
        if self.dialog is not None:
            self.dialog.show_devices(self._document.devices.profiles)

    @Slot()
    def _on_model(self) -> None:
        if self.dialog is not None:
            model = self._document.model
            self.dialog.show_model(model.path if model is not None else None)

    @Slot(object, bool)
    def _on_keep(self, wish: DeviceWish, force: bool) -> None:
        self.own.keep(wish, force=force)

    @Slot(str, object)
    def _on_export(self, device: str, path: Path) -> None:
        if not path.exists() or self._asks.ask_overwrite(self._window, path):
            self.own.export(device, path, force=path.exists())

    @Slot(object)
    def _on_import(self, path: Path) -> None:
        self.own.take_in(path, force=False)

    @Slot(object)
    def _on_kept(self, profile: DeviceProfile) -> None:
        if self.dialog is not None:
            self.dialog.show_done(f"{profile.name} is kept, and chosen in the preview")
        self._document.latency.choose(profile.id)

    @Slot(str)
    def _on_removed(self, device: str) -> None:
        if self.dialog is not None:
            self.dialog.show_done(f"{device} is removed")

    @Slot(object)
    def _on_exported(self, path: Path) -> None:
        if self.dialog is not None:
            self.dialog.show_done(f"written to {path}")
