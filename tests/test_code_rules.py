"""The size and the shape of the code, and the rules about imports that import-linter cannot express."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PACKAGES = ("unmixing", "unmixing_client", "model_store", "worker", "service", "supervision", "cli")
FILES = sorted(path.relative_to(REPOSITORY) for package in PACKAGES for path in (REPOSITORY / package).rglob("*.py"))

MAX_FILE_LINES, MAX_FUNCTION_LINES, MAX_PARAMETERS, MAX_TOP_MODULES = 250, 40, 6, 10

OPTIONS = "what goes beyond six are options by keyword alone, each with a default"

EXCEPTIONS: dict[str, str] = {
    "unmixing/algorithms/signed_palm.py:signed_ista": OPTIONS,
    "unmixing/io/apply/comparison.py:compare_to_files": OPTIONS,
    "unmixing/io/apply/in_memory.py:unmix": OPTIONS,
    "unmixing/io/apply/parts.py:write_part": "the last three, by keyword, are what its document says beside the maps",
    "unmixing/io/apply/image.py:unmix_to_files": OPTIONS,
    "unmixing/mixtures/blind.py:blind_library": OPTIONS,
    "unmixing/mixtures/separation.py:separate": OPTIONS,
    "unmixing/simulation/generated.py:generate_scene": OPTIONS,
}
"""Functions and files that are larger than allowed, as path or ``path:function``, and why."""

FILE_CALLS = {"open", "load", "save", "savez", "savez_compressed", "loadtxt", "savetxt", "fromfile", "tofile", "memmap"}
"""Of NumPy and Python: what opens a file by its name."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse((REPOSITORY / path).read_text("utf-8"))


def functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(parsed(path)) if isinstance(node, Function))


def n_parameters(function: Function) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in ("self", "cls") for argument in named)


def is_command(function: Function) -> bool:
    """Whether it is a command of the command line, whose parameters are its arguments and options."""
    called = (node.func for node in function.decorator_list if isinstance(node, ast.Call))
    return any(isinstance(name, ast.Name) and name.id == "with_fields" for name in called)


def too_large(path: Path) -> dict[str, str]:
    """The parts of this file that are larger than allowed, and their sizes."""
    found = {}
    n_lines = len((REPOSITORY / path).read_text("utf-8").splitlines())
    if n_lines > MAX_FILE_LINES:
        found[str(path)] = f"{n_lines} lines"
    for function in functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > MAX_FUNCTION_LINES:
            found[f"{path}:{function.name}"] = f"{length} lines"
        if n_parameters(function) > MAX_PARAMETERS and not is_command(function):
            found[f"{path}:{function.name}"] = f"{n_parameters(function)} parameters"
    return found


def test_files_functions_and_signatures_are_small() -> None:
    found = {place: size for path in FILES for place, size in too_large(path).items()}
    assert {place: size for place, size in found.items() if place not in EXCEPTIONS} == {}
    assert set(EXCEPTIONS) <= set(found), "an exception is not needed any more"


def test_docstrings_name_their_subject() -> None:
    """Not "What is known of ...", but "Description of ...": a noun or a verb that the field uses comes first."""
    riddles = [
        f"{path}:{node.lineno}"
        for path in FILES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and node.value.value.startswith("What ")
    ]
    assert riddles == []


def test_the_science_has_few_modules_at_its_top() -> None:
    top = [path.name for path in FILES if path.parent == Path("unmixing") and path.name != "__init__.py"]
    assert len(top) <= MAX_TOP_MODULES, top


@pytest.mark.parametrize("package", PACKAGES)
def test_only_readers_import_scipy_io(package: str) -> None:
    importers = [
        path
        for path in FILES
        if path.parts[0] == package and path.parts[:2] != ("unmixing", "io") and "scipy.io" in imported(path)
    ]
    assert importers == []


def imported(path: Path) -> set[str]:
    """Modules that a file imports, and the names it takes from them."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_the_science_opens_no_files() -> None:
    science = [path for path in FILES if path.parts[0] == "unmixing" and path.parts[1] != "io"]
    assert [f"{path}:{call.lineno}" for path in science for call in file_calls(path)] == []


def file_calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(parsed(path)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "open":
            yield node
        elif isinstance(node.func, ast.Attribute) and node.func.attr in FILE_CALLS:
            module = node.func.value
            if isinstance(module, ast.Name) and module.id in ("np", "numpy", "onnx", "torch", "io"):
                yield node
