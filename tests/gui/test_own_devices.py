from pathlib import Path

import pytest

from tests.gui.latency_values import PHONE, profile_of
from workbench.engine.core.device_fit import DeviceFit
from workbench.gui.device_wish import DeviceWish
from workbench.gui.known_devices import KnownDevices
from workbench.gui.own_devices import OwnDevices

WISH = DeviceWish("My phone", PHONE, ((Path("/net.onnx"), 12.0),))


@pytest.fixture
def own(fake_engine) -> OwnDevices:
    return OwnDevices(fake_engine, KnownDevices(fake_engine))


def test_a_fit_comes_back_with_what_it_was_asked_for(own, fake_engine, qtbot):
    fit = DeviceFit(profile_of(), ())
    own.fit(WISH)

    with qtbot.waitSignal(own.fitted) as fitted:
        fake_engine.of("fit_device", "look")[0].done(fit)

    assert fitted.args == [WISH, fit]
    assert fake_engine.of("fit_device", "look")[0].ticket.args == ("my-phone", PHONE, WISH.measured)


def test_what_is_kept_or_removed_is_in_the_list_of_devices_next(own, fake_engine):
    own.keep(WISH, force=False)
    fake_engine.of("add_device", "look")[0].done(profile_of("my-phone"))
    own.remove("my-phone")
    fake_engine.of("remove_device", "look")[0].done(None)

    assert len(fake_engine.of("device_profiles", "quick")) == 2


def test_a_refusal_is_the_engines_line(own, fake_engine, qtbot):
    own.read_times(Path("/nothing.txt"))

    with qtbot.waitSignal(own.refused) as refused:
        fake_engine.of("tool_times", "look")[0].failed("/nothing.txt: no time found")

    assert refused.args == ["/nothing.txt: no time found"]
