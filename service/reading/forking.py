"""Forks a process for each upload: ``python -m service.reading.forking FD``, started by the service.

It has imported everything that reads files and has one thread, so that a fork is quick and safe. Over the socket ``FD``
it is handed one end of a connection for each upload; the process forked for it answers there, and when that has ended
its exit status follows. When the service goes, or hangs up, what runs for it is killed.
"""

import ctypes
import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress

from service.reading.child import read_and_exit
from service.reading.confinement import why_not_confined
from service.reading.messages import ExitStatus

PR_SET_DUMPABLE = 4


class ForkLoop:
    """Takes connections from ``control`` until its other end is closed."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._running: dict[int, socket.socket] = {}
        self._poll = select.poll()
        self._ended, wake = os.pipe()
        for fd in (self._ended, wake):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._poll.register(control, select.POLLIN)
        self._poll.register(self._ended, select.POLLIN)

    def run(self) -> None:
        try:
            while True:
                for fd, _ in self._poll.poll():
                    if fd == self._ended:
                        self._reap()
                    elif fd != self._control.fileno():
                        self._hang_up(fd)
                    elif not self._accept():
                        return
        finally:
            for pid in self._running:
                os.kill(pid, signal.SIGKILL)

    def _accept(self) -> bool:
        """Fork for the next connection. False when there will be none."""
        message, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if not message:
            return False
        connection = socket.socket(fileno=descriptors[0])
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:  # too many processes, or no memory: the service notices that no status follows
            print(f"cannot fork: {error}", file=sys.stderr)
            connection.close()
            return True
        if pid == 0:
            for other in (self._control, *self._running.values()):
                other.close()
            read_and_exit(connection, parent)
        self._running[pid] = connection
        self._poll.register(connection, 0)  # it speaks to the child; here only its end is of interest
        return True

    def _hang_up(self, fd: int) -> None:
        self._poll.unregister(fd)
        for pid, connection in self._running.items():
            if connection.fileno() == fd:
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        """Tell the service how each process that has ended did so."""
        with suppress(BlockingIOError):
            os.read(self._ended, 4096)
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            connection = self._running.pop(pid)
            with suppress(KeyError):  # it hung up before
                self._poll.unregister(connection)
            line = ExitStatus(exit_status=os.waitstatus_to_exitcode(status)).model_dump_json()
            with connection, suppress(OSError):
                connection.setblocking(False)
                connection.sendall(f"\n{line}\n".encode())


def main(descriptor: str) -> None:
    if sys.platform == "linux":  # no core dumps, not even to a program that collects them
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0)
    if missing := why_not_confined():
        print(f"processes that read uploads are confined less than they could be: {missing}", file=sys.stderr)
    gc.collect()
    gc.freeze()
    ForkLoop(socket.socket(fileno=int(descriptor))).run()


if __name__ == "__main__":
    main(sys.argv[1])
