"""Lines of progress by a clock that is set by hand."""

import pytest

from workbench.cli.progress_lines import ProgressLines
from workbench.jobs import Progress


@pytest.mark.parametrize(
    ("done", "text", "line"),
    [
        (0.25, "measuring", "apply: 25%, measuring, about 36 s left"),
        (0.25, "gradients, about 4 min left", "apply: 25%, gradients, about 4 min left"),
        (0.0, "", "apply: 0%, working"),
    ],
    ids=["by the share that is done", "by the step itself", "nothing known"],
)
def test_a_line_tells_the_time_that_is_left(done: float, text: str, line: str):
    seconds, lines = [100.0], []
    shown = ProgressLines("apply", lines.append, lambda: seconds[0])

    seconds[0] += 12
    shown.show(Progress(done, 1.0, text))

    assert lines == [line]


def test_work_that_is_soon_done_is_silent_and_long_work_speaks_every_ten_seconds():
    seconds, lines = [0.0], []
    shown = ProgressLines("apply", lines.append, lambda: seconds[0])

    for second in range(26):
        seconds[0] = second
        shown.show(Progress(second, 40, "measuring"))

    assert lines == ["apply: 25%, measuring, about 30 s left", "apply: 50%, measuring, about 20 s left"]
