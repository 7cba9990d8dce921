"""Ties a process to the one that started it, so that even ``kill -9`` of a parent leaves nobody behind."""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
POLL_SECONDS = 0.5


def die_with_parent(parent: int, by: signal.Signals) -> None:
    """Let this process receive ``by`` when the process ``parent`` ends. Call it early, in the main thread.

    On Linux the kernel does it, and the bond survives ``exec``; elsewhere a thread watches the parent.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(by))
    else:
        threading.Thread(target=_watch, args=(parent, by), daemon=True).start()
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), by)


def _watch(parent: int, by: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), by)
