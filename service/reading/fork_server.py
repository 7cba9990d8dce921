"""The process that forks a reader for each upload, as the service starts and ends it."""

import os
import socket
import subprocess
import sys
import threading

LATE_SECONDS = 5.0
"""A process that has not ended so long after its time is given up."""

SECRETS = ("REDIS_URL", "UNMIX_REDIS_URL", "UNMIX_WEBHOOK_SECRET")


class ForkServer:
    """The process that forks readers, started when first needed and again when it has died. Safe in threads.

    module: run as that process.
    """

    def __init__(self, module: str = "service.reading.forking") -> None:
        self._module = module
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Start the process now, so that the first upload need not wait for its imports."""
        with self._lock:
            if self._control is None:
                self._start()

    def connect(self) -> socket.socket:
        """A connection to a new process. Raises OSError when none can be started."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            try:
                self._send(theirs)
            except OSError:  # it has died since the last upload
                self._stop()
                self._send(theirs)
        return ours

    def close(self) -> None:
        """End the process, and with it all that it has forked."""
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def _send(self, connection: socket.socket) -> None:
        if self._control is None:
            self._start()
        assert self._control is not None
        socket.send_fds(self._control, [b"."], [connection.fileno()])

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
        # Threads of numerical libraries would not survive a fork.
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module, str(theirs.fileno())],
                env=environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the service, which then closes it
            )
        self._control = ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(LATE_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
