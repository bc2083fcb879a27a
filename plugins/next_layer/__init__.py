"""A channel matters as much as the next layers make of it.

A filter may be large and its channel still be read with small weights, so that nothing is lost with it. ThiNet
(Luo et al. 2017, arXiv:1707.06342) chooses the channels of a layer by what they do in the next one; this is the part
of that idea that needs no samples.
"""

import numpy as np

from workbench.plugin_api import Criterion, GroupView, Judgement, Needs, by_rows, hook


@hook
def criteria() -> list[Criterion]:
    """The criterion `next_layer`."""
    return [
        Criterion(
            name="next_layer",
            summary="sum of |w| by which the next layers read a channel",
            needs=Needs.WEIGHTS,
            judge=judge_by_readers,
        )
    ]


def judge_by_readers(view: GroupView) -> Judgement:
    """Σ|w| over all weights that are multiplied with a channel; the channel's own filter where there are none."""
    readers = view.readers()
    reason = "" if readers else "no weights read these channels: those that make them instead"
    return Judgement(
        by_rows(readers or view.filters(), lambda rows: np.abs(rows).sum(axis=1, dtype=np.float64)), reason
    )
