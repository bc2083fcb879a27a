"""What goes through the pipe between the window and the engine's process."""

from dataclasses import dataclass, field

from workbench.jobs import Progress

LANES = ("quick", "probe", "look", "run")


@dataclass(frozen=True, slots=True)
class Request:
    """A verb of the session to call.

    Args:
        id: counts up; replies carry it.
        lane: "quick", "probe" or "run"; requests of one lane are worked on one after the other.
    """

    id: int
    lane: str
    verb: str
    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop a request, whether it waits or is being worked on."""

    id: int


@dataclass(frozen=True, slots=True)
class Close:
    """Stop everything, and end the process."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The process is up and has made its session. The first message that it sends."""


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a request is."""

    id: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class Partial:
    """A result that may be followed by better ones."""

    id: int
    value: object


@dataclass(frozen=True, slots=True)
class Done:
    """The final result; of a verb that yields several, the last one."""

    id: int
    value: object


@dataclass(frozen=True, slots=True)
class Failed:
    """The verb raised.

    Args:
        text: one line for people.
        details: the traceback of a fault of the program; empty for an error meant for people.
    """

    id: int
    text: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The request was cancelled."""

    id: int


@dataclass(frozen=True, slots=True)
class Died:
    """The engine's process ended without being asked to. Nothing that was sent to it will be answered.

    Args:
        text: one line for people.
        details: the traceback, or how the process ended.
        was_ready: whether it had said `Ready`; if not, another process will fare no better.
    """

    text: str
    details: str = ""
    was_ready: bool = True


Reply = Ready | Progressed | Partial | Done | Failed | Stopped | Died
