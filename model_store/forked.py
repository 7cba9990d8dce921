"""Work done in a fork of this process, for libraries that must not have run in a process that forks later."""

import os
import pickle
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def run_forked(work: Callable[[], Result]) -> Result:
    """The result of ``work``, computed in a fork; what it raises is raised here.

    Raises ChildProcessError when the fork ends without an answer.

    >>> run_forked(lambda: 2 + 3)
    5
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(work, reader, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if not told:
        raise ChildProcessError(f"a fork ended with status {os.waitstatus_to_exitcode(status)} and no answer")
    is_result, answer = pickle.loads(told)
    if not is_result:
        raise answer
    result: Result = answer
    return result


def _answer(work: Callable[[], object], reader: int, writer: int) -> None:
    """Never returns: the fork must not go on with what its parent does."""
    try:
        os.close(reader)
        try:
            told = pickle.dumps((True, work()))
        except Exception as error:
            told = pickle.dumps((False, error))
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(told)
    finally:
        os._exit(0)
