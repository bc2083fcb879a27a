from workbench.gui.lanes import LatestLane

_LONG_MS = 20_000


def test_of_many_requests_the_first_and_the_last_are_done(engine, qtbot):
    lane = LatestLane(engine, "quick")
    done: list[object] = []

    for number in range(60):
        lane.submit("echo", number, on_done=done.append)
    qtbot.waitUntil(lambda: lane.is_idle, timeout=_LONG_MS)

    assert done == [0, 59]


def test_a_newer_probe_stops_the_one_that_runs(engine, qtbot):
    lane = LatestLane(engine, "probe", cancels=True)
    partial: list[object] = []
    done: list[object] = []
    lane.submit("count_for_ever", on_partial=partial.append, on_done=done.append)
    qtbot.waitUntil(lambda: bool(partial), timeout=_LONG_MS)

    lane.submit("echo", "newer", on_done=done.append)
    qtbot.waitUntil(lambda: done == ["newer"], timeout=_LONG_MS)

    assert lane.is_idle
