"""Results of jobs, one folder each: ``result.json`` and the assets it names."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from model_store.folders import appearing_folder, hidden_folder, remove_folder
from model_store.objects import Objects
from unmixing.io.products.folders import DOCUMENT


@dataclass(frozen=True)
class Asset:
    """A file of a result."""

    media_type: str
    locate: Callable[[], Path]

    @property
    def path(self) -> Path:
        """Where it lies on this machine, to which it is copied when it is asked for."""
        return self.locate()


class ResultStore:
    """Job id -> folder. A folder that can be seen is complete.

    objects: where results are kept in the place of ``folder``; files that are asked for are copied to ``cache``.
    """

    def __init__(self, folder: Path, objects: Objects | None = None) -> None:
        self._folder, self._objects = folder, objects
        self.cache = folder.parent / "cache"

    @contextmanager
    def writing(self, job_id: str) -> Iterator[Path]:
        """A hidden folder to write products and ``result.json`` into; it appears when the block ends well."""
        if self._objects is None:
            with appearing_folder(self._folder / job_id) as folder:
                yield folder
            return
        with hidden_folder(self._folder / job_id) as folder:
            yield folder
            if not self.exists(job_id):
                self._objects.put_folder(f"results/{job_id}", folder, last=DOCUMENT)

    def exists(self, job_id: str) -> bool:
        if self._objects is None:
            return (self._folder / job_id / DOCUMENT).is_file()
        return self._objects.exists(f"results/{job_id}/{DOCUMENT}")

    def ids(self) -> list[str]:
        """Ids of the jobs that have results."""
        if self._objects is not None:
            keys = (entry.key.split("/") for entry in self._objects.listed("results/"))
            return [parts[1] for parts in keys if parts[-1] == DOCUMENT]
        found = self._folder.glob(f"[!.]*/{DOCUMENT}") if self._folder.is_dir() else ()
        return [path.parent.name for path in found]

    def document(self, job_id: str) -> dict[str, Any] | None:
        """The content of ``result.json``, or None when the job has no results."""
        if self._objects is not None:
            text = self._objects.get(f"results/{job_id}/{DOCUMENT}")
        else:
            path = self._folder / job_id / DOCUMENT
            text = path.read_bytes() if path.is_file() else None
        document: dict[str, Any] | None = None if text is None else json.loads(text)
        return document

    def _located(self, job_id: str, name: str) -> Path:
        """Where a file lies on this machine; it is copied here first when only the object store has it.

        Raises FileNotFoundError and ObjectStoreError.
        """
        if self._objects is None:
            return self._folder / job_id / name
        copy = self.cache / job_id / name
        if copy.is_file():
            os.utime(copy.parent)  # still in use: the sweeper leaves it
        elif not self._objects.fetch(f"results/{job_id}/{name}", copy):
            raise FileNotFoundError(f"the results of job {job_id} have no file {name}")
        return copy

    def warnings(self, job_id: str) -> list[dict[str, str]]:
        """Why the results of the job may be wrong; see ``unmixing.types.ResultWarning``."""
        document = self.document(job_id) or {}
        found: list[dict[str, str]] = document.get("warnings", [])
        return found

    def model_ids(self, job_id: str) -> set[str]:
        """Ids of the stored models that the results name, of all methods of a comparison."""
        document = self.document(job_id) or {}
        answers = [document, *document.get("comparison", {}).get("answers", [])]
        return {model["id"] for answer in answers if (model := answer.get("model")) and model["id"]}

    def files(self, job_id: str) -> dict[str, Path]:
        """All files of the results, by name, the document first; none when the job has no results."""
        document = self.document(job_id)
        names = [] if document is None else [DOCUMENT, *document["assets"]]
        return {name: self._located(job_id, name) for name in names}

    def asset(self, job_id: str, name: str) -> Asset | None:
        """The asset called ``name``, or None. Only names that the document lists are ever opened."""
        return self.assets(job_id).get(name)

    def assets(self, job_id: str) -> dict[str, Asset]:
        """All files that the document lists, by name."""
        listed: dict[str, Any] = (self.document(job_id) or {"assets": {}})["assets"]
        return {name: Asset(facts["type"], partial(self._located, job_id, name)) for name, facts in listed.items()}

    def remove(self, job_id: str) -> None:
        remove_folder(self._folder / job_id)
        if self._objects is not None:
            remove_folder(self.cache / job_id)
            # The document first: without it, nobody takes the rest for results.
            self._objects.remove(f"results/{job_id}/{DOCUMENT}")
            self._objects.remove(f"results/{job_id}")
