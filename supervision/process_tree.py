"""Processes that live and die together: restarted when they crash, stopped in order, never left behind."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

POLL_SECONDS = 0.1
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
"""A process that lived this long counts as repaired: its next crash is its first again."""

MAX_START_CRASHES = 5
"""A vital process that crashes more often than this before it was ever ready takes the tree down."""

STOP_SECONDS = 8.0
"""How long stopping may take, beside the grace that workers give their jobs."""

logger = logging.getLogger("unmix")


@dataclass(frozen=True)
class Role:
    """One process of the tree. pass_fds: open files it inherits.

    ready: for a vital process, without which the tree need not start: whether it has ever been able to work. What
    makes it crash before that is here to stay, a taken port or bad data; what does later may have come from outside,
    so it is then started again for ever.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool] | None = None
    pass_fds: tuple[int, ...] = ()


@dataclass
class _Child:
    role: Role
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0
    was_ready: bool = False
    due: float = field(default_factory=time.monotonic)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


class ProcessTree:
    """Children of this process. For the main thread: Linux ties a child to the thread that forked it."""

    def __init__(self, environment: Mapping[str, str], *, grace_seconds: float = 0.0) -> None:
        self._stop_seconds = grace_seconds + STOP_SECONDS
        self._environment = {**os.environ, **environment}
        self._children: list[_Child] = []
        self._stopping = threading.Event()

    def start(self, role: Role) -> None:
        child = _Child(role)
        self._children.append(child)
        self._launch(child)

    def stop_on_signals(self) -> None:
        """Let SIGINT, SIGTERM and SIGHUP end ``run``."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def alive(self, name: str) -> bool:
        return any(child.role.name == name and child.running for child in self._children)

    def run(self) -> bool:
        """Watch over the children until told to stop. False when a vital one cannot be started at all."""
        while not self._stopping.wait(POLL_SECONDS):
            for child in self._children:
                if not self._look_after(child):
                    return False
        return True

    def stop(self) -> None:
        """Stop the children, last started first; those of one name together."""
        names = list(dict.fromkeys(child.role.name.split("-")[0] for child in reversed(self._children)))
        for name in names:
            self._stop([child for child in self._children if child.role.name.split("-")[0] == name])

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _launch(self, child: _Child) -> None:
        child.started = time.monotonic()
        child.process = subprocess.Popen(
            child.role.command,
            env=self._environment,
            pass_fds=child.role.pass_fds,
            stdin=subprocess.DEVNULL,
            # Ctrl-C in a terminal reaches the whole group; the order of stopping is ours.
            start_new_session=True,
        )

    def _look_after(self, child: _Child) -> bool:
        """Restart a crashed child when its pause is over. False when the tree must end."""
        if child.role.ready is not None and not child.was_ready:
            child.was_ready = child.role.ready()
        if child.running:
            return True
        if child.process is not None:
            return self._note_crash(child, child.process.returncode)
        if time.monotonic() >= child.due:
            self._launch(child)
        return True

    def _note_crash(self, child: _Child, status: int) -> bool:
        healthy = time.monotonic() - child.started > HEALTHY_SECONDS
        child.crashes = 1 if healthy else child.crashes + 1
        child.process = None
        if child.role.ready is not None and not child.was_ready and child.crashes > MAX_START_CRASHES:
            logger.error(
                "%s does not start: it ended %d times, last with status %d, for the reason above; stopping everything",
                child.role.name,
                child.crashes,
                status,
            )
            return False
        pause = min(FIRST_PAUSE_SECONDS * 2 ** (child.crashes - 1), LONGEST_PAUSE_SECONDS)
        child.due = time.monotonic() + pause
        logger.warning("%s ended with status %d; starting it again in %g s", child.role.name, status, pause)
        return True

    def _stop(self, children: Sequence[_Child]) -> None:
        begun = time.monotonic()
        _signal(children, signal.SIGTERM)
        _wait(children, begun + self._stop_seconds)
        _signal(children, signal.SIGKILL)
        _wait(children, begun + self._stop_seconds + 5.0)


def _signal(children: Sequence[_Child], number: signal.Signals) -> None:
    for child in children:
        if child.running and child.process is not None:
            child.process.send_signal(number)


def _wait(children: Sequence[_Child], deadline: float) -> None:
    while any(child.running for child in children) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS / 2)
