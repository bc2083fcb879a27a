"""Which moves belong together as one step of undo."""

import time
from collections.abc import Callable

_REST_S = 0.7


class Gesture:
    """Gives the token that a drag, or a run of key presses without a rest of 0.7 s, has in common.

    Args:
        clock: seconds; replaced in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._token = object()
        self._dragging = False
        self._last = -_REST_S
        self._subject: object = None

    def begin(self) -> None:
        """A drag starts: a new token until `end`."""
        self._token = object()
        self._dragging = True

    def end(self) -> None:
        """The drag is over."""
        self._dragging = False
        self._last = -_REST_S

    def token(self, subject: object = None) -> object:
        """The token of the move that happens now; another subject is another gesture."""
        now = self._clock()
        if not self._dragging and (now - self._last > _REST_S or subject != self._subject):
            self._token = object()
        self._last, self._subject = now, subject
        return self._token
