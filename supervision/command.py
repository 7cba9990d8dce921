"""The command line of a process of the tree, which ``supervision.child`` carries out."""

import os
import sys


def command(role: str, *arguments: str) -> list[str]:
    """The command line that runs ``role`` as a child of this process."""
    return [sys.executable, "-m", "supervision.child", role, str(os.getpid()), *arguments]
