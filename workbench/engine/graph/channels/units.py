"""Channels that must go or stay together, as sets that are joined while the graph is walked.

Every channel of every tensor carries the number of its unit in an array of labels. Such an array has as many axes as
its tensor; an axis has size 1 where the label does not depend on it, so that a convolution's output of shape
(N, C, H, W) is labelled by an array of shape (1, C, 1, 1). Label 0 says that the channel always stays.
"""

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
STAYS = 0


class Units:
    """Disjoint sets of channels. A set that is fixed stays whole, for the reason that was given first.

    Attributes:
        place: what every reason begins with, such as the node that is looked at; empty if nothing.
    """

    def __init__(self) -> None:
        self.place = ""
        self._parent = np.zeros(1, np.int64)
        self._why: dict[int, str] = {STAYS: ""}
        # What `resolved` answers for every label; None after a change.
        self._settled: Labels | None = None

    def fresh(self, count: int) -> Labels:
        """New units of one channel each, shape (count,)."""
        first = len(self._parent)
        added = np.arange(first, first + count, dtype=np.int64)
        self._parent = np.concatenate([self._parent, added])
        self._settled = None
        return added

    @property
    def num_labels(self) -> int:
        """How many labels there are, that of what stays included."""
        return len(self._parent)

    def find(self, labels: Labels) -> Labels:
        """The same labels, each set by its least member: equal where channels go together."""
        found = self._parent[labels]
        while True:
            further = self._parent[found]
            if np.array_equal(further, found):
                return found
            found = further

    def join(self, one: Labels, other: Labels, why_fixed: str) -> None:
        """Let channels go together, element by element; arrays are broadcast against each other.

        Args:
            one: labels.
            other: labels.
            why_fixed: the reason for those whose partner always stays.
        """
        pairs = np.stack(np.broadcast_arrays(self.find(one), self.find(other)), axis=-1).reshape(-1, 2)
        pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
        for first, second in pairs.tolist():
            self._join_sets(first, second, why_fixed)

    def fix(self, labels: Labels, why: str) -> None:
        """Let these channels always stay."""
        self._settled = None
        for unit in np.unique(self.find(labels)).tolist():
            self._why.setdefault(unit, self._reason(why))

    def join_along(self, labels: Labels, axis: int) -> None:
        """Let all channels along one axis go together."""
        self.join(labels, labels.take([0], axis=axis), "they go with channels that stay")

    def resolved(self, labels: Labels) -> Labels:
        """The least member of each channel's set, and STAYS for those that always stay."""
        if self._settled is None:
            found = self.find(np.arange(len(self._parent), dtype=np.int64))
            self._settled = np.where(np.isin(found, list(self._why)), STAYS, found)
        return np.asarray(self._settled[labels])

    def is_fixed(self, labels: Labels) -> npt.NDArray[np.bool_]:
        """Which of them always stay, same shape."""
        return np.asarray(self.resolved(labels) == STAYS)

    def why_fixed(self, label: int) -> str:
        """Why the unit always stays; empty if it may go."""
        return self._why.get(int(self.find(np.array([label]))[0]), "")

    def _join_sets(self, first: int, second: int, why_fixed: str) -> None:
        first, second = sorted(int(found) for found in self.find(np.array([first, second])))
        if first == second:
            return
        self._settled = None
        if first == STAYS:
            # Nothing is joined with "stays": each set keeps its own reason.
            self._why.setdefault(second, self._reason(why_fixed))
            return
        self._parent[second] = first
        why = self._why.pop(second, None)
        if why is not None:
            self._why.setdefault(first, why)

    def _reason(self, why: str) -> str:
        return f"{self.place}: {why}" if self.place else why


def squeezed(labels: Labels) -> Labels:
    """The same labels without what repeats: axes along which they do not vary get size 1."""
    for axis in range(labels.ndim):
        if labels.shape[axis] < 2:
            continue
        first = labels.take([0], axis=axis)
        if bool((labels == first).all()):
            labels = first
    return labels


def varying_axes(labels: Labels) -> tuple[int, ...]:
    """Axes along which the labels vary."""
    return tuple(axis for axis, size in enumerate(labels.shape) if size > 1)


def unlabelled(ndim: int) -> Labels:
    """Labels of a tensor whose channels all stay."""
    return np.zeros((1,) * ndim, np.int64)


def on_axis(vector: Labels, axis: int, ndim: int) -> Labels:
    """Labels that vary along one axis, from a vector of shape (C,)."""
    shape = [1] * ndim
    shape[axis] = len(vector)
    return vector.reshape(shape)
