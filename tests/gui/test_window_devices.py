"""Latency on a device in the whole window, with the real engine."""

from tests.gui.latency_values import PHONE
from workbench.engine.core.recipe import ActivationRule, Prune, WeightRule
from workbench.project.demo_files import demo_files
from workbench.session import Session


def test_a_device_is_chosen_followed_remembered_and_made_ones_own(demo_window, qtbot, settings):
    window, document = demo_window, demo_window.document
    window.all_actions["choose_device"].trigger()
    qtbot.waitUntil(lambda: len(document.devices.profiles) > 100)
    picker = window.on_device.picker
    qtbot.keyClicks(picker.filter, PHONE)
    picker.list.itemClicked.emit(picker.list.currentItem())
    qtbot.waitUntil(lambda: document.latency.original is not None and document.latency.is_current)
    recipe = document.recipe.with_rule("op:Conv", prune=Prune("filters", ratio=0.5))
    recipe = recipe.with_rule("*", weights=WeightRule(bits=8), activations=ActivationRule(bits=8))

    document.edit(recipe, "Half of the channels in int8")
    qtbot.waitUntil(lambda: document.latency.is_current)

    session = Session()
    session.open_model(demo_files()[0])
    assert document.latency.estimate == session.estimate_latency(PHONE, recipe)
    assert document.latency.original == session.estimate_latency(PHONE)
    assert settings.value("device") == PHONE

    # One's own, from a time that was measured there.
    window.all_actions["own_devices"].trigger()
    dialog = window.own_devices.dialog
    dialog.like.set_value(PHONE)
    dialog.name.setText("My phone")
    dialog.add_open.click()
    dialog.rows.item(0, 1).setText("0.4")
    qtbot.waitUntil(dialog.keep.isEnabled)
    dialog.keep.click()
    qtbot.waitUntil(lambda: document.latency.profile is not None and document.latency.profile.id == "my-phone")
    qtbot.waitUntil(lambda: document.latency.original is not None)
    own = document.latency.original.figure.value
    assert own > 5 * session.estimate_latency(PHONE).figure.value
    dialog.own.setCurrentRow(0)
    dialog.remove.click()
    qtbot.waitUntil(lambda: document.latency.device == "")
    assert settings.value("device") == ""
