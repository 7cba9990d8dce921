"""Confines the process that reads an upload: it reads the software and its own folder, and writes there alone.

Two means of Linux, neither of which needs any privilege: Landlock for files, signals and TCP, seccomp for system calls
that reading never makes. Both hold for the rest of the process and whatever it would start.
"""

import ctypes
import errno
import os
import platform
import sys
from collections.abc import Iterable
from enum import IntFlag
from pathlib import Path

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls of Landlock, which have one number everywhere."""

RULE_PATH_BENEATH, VERSION_FLAG = 1, 1
ALL_TCP, ALL_SCOPES = 0b11, 0b11

SYSTEM_FOLDERS = ("/usr", "/lib", "/lib64", "/etc", "/sys", "/dev", "/proc/self", "/proc/cpuinfo", "/proc/meminfo")
OWN_PACKAGES = ("unmixing", "model_store", "service")


class _Access(IntFlag):
    """Rights of Landlock over files."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    CHANGE_FOLDER = 0b1_1111_1111 << 4
    """Make and remove what is in it."""
    REFER = 1 << 13
    TRUNCATE = 1 << 14


READ = _Access.READ_FILE | _Access.READ_DIR
FIRST_VERSION = _Access.EXECUTE | _Access.WRITE_FILE | READ | _Access.CHANGE_FOLDER


class _Ruleset(ctypes.Structure):
    _fields_ = [("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scopes", ctypes.c_uint64)]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint16), ("instructions", ctypes.POINTER(_Instruction))]


LOAD, JUMP_IF_EQUAL, JUMP_IF_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
NUMBER_AT, ARCHITECTURE_AT = 0, 4
X32_CALLS = 0x40000000
"""Above it the same calls again, for programs of another kind."""

# socket, connect, bind, listen, execve, execveat, ptrace, process_vm_readv, process_vm_writev, io_uring_setup
REFUSED_CALLS = {
    "x86_64": (0xC000003E, (41, 42, 49, 50, 59, 322, 101, 310, 311, 425)),
    "aarch64": (0xC00000B7, (198, 203, 200, 201, 221, 281, 117, 270, 271, 425)),
}
"""By machine: its mark, and the calls that open connections, start programs or look into other processes."""


def confine(writable: Iterable[Path], readable: Iterable[Path] = ()) -> None:
    """From here on this process writes into these folders alone, reads them, ``readable`` and installed software,
    connects to nobody and starts nothing. Raises OSError where the system has no means for a part of it; the rest then
    holds."""
    if sys.platform != "linux":
        raise OSError(errno.ENOSYS, "there is no Landlock and no seccomp here")
    _checked(ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    try:
        _restrict_files(writable, readable)
    finally:
        _refuse_calls()


def _restrict_files(writable: Iterable[Path], readable: Iterable[Path]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    version = _checked(libc.syscall(CREATE_RULESET, None, 0, VERSION_FLAG), "Landlock")
    handled = FIRST_VERSION | (_Access.REFER if version >= 2 else 0) | (_Access.TRUNCATE if version >= 3 else 0)
    rules = _Ruleset(handled, ALL_TCP, ALL_SCOPES)
    size = 8 if version < 4 else 16 if version < 6 else 24  # what the kernel knows of it
    ruleset = _checked(libc.syscall(CREATE_RULESET, ctypes.byref(rules), size, 0), "Landlock")
    try:
        for path in (*_software(), *readable):
            _allow(libc, ruleset, path, READ)
        for path in writable:
            _allow(libc, ruleset, path, handled & ~_Access.EXECUTE)
        _allow(libc, ruleset, Path(os.devnull), handled & (_Access.WRITE_FILE | _Access.TRUNCATE | _Access.READ_FILE))
        _checked(libc.syscall(RESTRICT_SELF, ruleset, 0), "Landlock")
    finally:
        os.close(ruleset)


def _software() -> list[Path]:
    """The places of all that may be imported; a folder that packages were started from may hold much else."""
    own = [Path(sys.modules[name].__path__[0]) for name in OWN_PACKAGES if name in sys.modules]
    installed = [Path(place) for place in sys.path if place.endswith("-packages")]
    return [*(Path(place) for place in (*SYSTEM_FOLDERS, sys.prefix, sys.base_prefix)), *installed, *own]


def _allow(libc: ctypes.CDLL, ruleset: int, path: Path, access: int) -> None:
    """Allow it below ``path``, if there is one."""
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        allowed = access if path.is_dir() else access & ~(_Access.READ_DIR | _Access.CHANGE_FOLDER | _Access.REFER)
        rule = _PathBeneath(allowed, descriptor)
        _checked(libc.syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0), "Landlock")
    finally:
        os.close(descriptor)


def _refuse_calls() -> None:
    machine = platform.machine()
    if machine not in REFUSED_CALLS:
        raise OSError(errno.ENOSYS, f"the system calls of {machine} are not known here")
    mark, calls = REFUSED_CALLS[machine]
    # Every jump leads to the last instruction but one, over those that are left between.
    body = [(JUMP_IF_AT_LEAST, X32_CALLS), *((JUMP_IF_EQUAL, call) for call in calls)]
    jumps = [(code, len(body) - number, 0, k) for number, (code, k) in enumerate(body)]
    first = [(LOAD, 0, 0, ARCHITECTURE_AT), (JUMP_IF_EQUAL, 0, len(body) + 2, mark), (LOAD, 0, 0, NUMBER_AT)]
    rows = [*first, *jumps, (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    instructions = (_Instruction * len(rows))(*(_Instruction(*row) for row in rows))
    program = _Program(len(rows), instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    _checked(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0), "seccomp")


def _checked(answer: int, means: str) -> int:
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{means}: {os.strerror(number)}")
    return answer


def why_not_confined() -> str | None:
    """Why a process cannot be confined here, in whole or in part, found by trying it in a child; None when it can."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said = b""
        try:
            confine(())
        except OSError as error:
            said = str(error.strerror).encode()
        finally:
            os.write(writer, said)
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answers:
        said = answers.read()
    os.waitpid(child, 0)
    return said.decode() or None
