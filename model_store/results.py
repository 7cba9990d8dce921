"""Results of jobs, one folder each: ``result.json`` and the assets it names."""

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_store.folders import appearing_folder, remove_folder
from unmixing.io.products.folders import DOCUMENT


@dataclass(frozen=True)
class Asset:
    """A file of a result."""

    path: Path
    media_type: str


class ResultStore:
    """Job id -> folder. A folder that can be seen is complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def writing(self, job_id: str) -> AbstractContextManager[Path]:
        """A hidden folder to write products and ``result.json`` into; it appears when the block ends well."""
        return appearing_folder(self._folder / job_id)

    def exists(self, job_id: str) -> bool:
        return (self._folder / job_id / DOCUMENT).is_file()

    def document(self, job_id: str) -> dict[str, Any] | None:
        """The content of ``result.json``, or None when the job has no results."""
        try:
            text = (self._folder / job_id / DOCUMENT).read_text("utf-8")
        except FileNotFoundError:
            return None
        document: dict[str, Any] = json.loads(text)
        return document

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
        return {name: self._folder / job_id / name for name in names}

    def asset(self, job_id: str, name: str) -> Asset | None:
        """The asset called ``name``, or None. Only names that the document lists are ever opened."""
        return self.assets(job_id).get(name)

    def assets(self, job_id: str) -> dict[str, Asset]:
        """All files that the document lists, by name."""
        listed: dict[str, Any] = (self.document(job_id) or {"assets": {}})["assets"]
        return {name: Asset(self._folder / job_id / name, facts["type"]) for name, facts in listed.items()}

    def remove(self, job_id: str) -> None:
        remove_folder(self._folder / job_id)
