import pytest

from workbench.gui.panels.jobs import JobsPanel


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_time_left_follows_from_the_pace(theme, qtbot):
    clock = Clock()
    panel = JobsPanel(theme, clock=clock)
    qtbot.addWidget(panel)
    panel.start(1, "Evaluate")

    clock.now = 30.0
    panel.progress(1, 0.25, "250 of 1000")
    panel._show_time_left()

    # A quarter took 30 s, so three quarters take 90 s.
    assert panel.row_texts(1) == ("Evaluate", "250 of 1000", "1:30 left")


def test_cancel_asks_for_the_right_job(theme, qtbot):
    panel = JobsPanel(theme)
    qtbot.addWidget(panel)
    panel.start(7, "Evaluate")
    panel.start(8, "Latency")
    asked: list[int] = []
    panel.cancel_wished.connect(asked.append)

    panel._rows[7].button.click()

    assert asked == [7]


def test_a_job_that_ended_takes_no_more_progress(theme, qtbot):
    panel = JobsPanel(theme)
    qtbot.addWidget(panel)
    panel.start(1, "Evaluate")
    panel.finish(1, "stopped at 12 of 40", "bad")

    panel.progress(1, 0.9, "late")

    assert panel.num_running == 0
    assert panel.row_texts(1) == ("Evaluate", "", "stopped at 12 of 40")


def test_old_rows_are_forgotten(theme, qtbot):
    panel = JobsPanel(theme)
    qtbot.addWidget(panel)

    for job in range(20):
        panel.start(job, "Evaluate")
        panel.finish(job, "done")

    assert len(panel._rows) == 8


def test_of_a_model_that_is_closed_only_what_runs_is_listed(theme, qtbot):
    panel = JobsPanel(theme)
    qtbot.addWidget(panel)
    for job in (1, 2):
        panel.start(job, "Evaluate")
    panel.finish(1, "top1 81.0 %")

    panel.forget_done()

    assert panel.num_running == 1
    with pytest.raises(KeyError):
        panel.row_texts(1)
    panel.finish(2, "stopped")
    panel.forget_done()
    assert not panel.empty.isHidden()


def test_a_long_result_ends_in_an_ellipsis_and_is_whole_in_the_tip(theme, qtbot):
    panel = JobsPanel(theme)
    qtbot.addWidget(panel)
    panel.resize(420, 120)
    panel.start(1, "Latency")
    panel.show()

    panel.finish(1, "p50 0.055 ms, p90 0.065 ms; no difference seen (97.6 … 100.5 %)")
    qtbot.waitUntil(lambda: panel._rows[1].left.is_cut)

    left = panel._rows[1].left
    assert left.mapTo(panel, left.rect().bottomRight()).x() <= panel.width()
    assert left.whole_tip() == "p50 0.055 ms, p90 0.065 ms; no difference seen (97.6 … 100.5 %)"
