"""Outputs that an execution has brought, whether they are files of a job or values that were computed at once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_store.records import JobRecord
from model_store.results import ResultStore
from service.errors import ResultNotReadyError
from service.ogc.processes import FEATURES, FEATURES_SCHEMA, RESULT, STAC, STAC_SCHEMA
from service.ogc.stac_collections import features_of, job_collection
from service.result_links import linked
from unmixing.io.products.stac.names import ITEM

NAMED = (FEATURES, STAC, RESULT)
"""Outputs of a job that are no files."""

MAX_ITEM_BYTES = 2**22


@dataclass(frozen=True)
class Output:
    """One output: a file at ``path``, or else ``value``, which is JSON or a text. href: where it can be fetched.
    schema: URL of the schema that a value follows."""

    media_type: str
    value: Any = None
    path: Path | None = None
    href: str | None = None
    schema: str | None = None


def job_outputs(record: JobRecord, results: ResultStore, base: str) -> dict[str, Output]:
    """Everything that a successful job has brought, by id. base: URL of the service, with a slash at its end.

    Raises ResultNotReadyError when the files have gone.
    """
    document = results.document(record.id)
    if document is None:
        raise ResultNotReadyError(f"the results of job {record.id} are gone")
    document = linked(document, record.id, base)
    url = f"{base}jobs/{record.id}/results"
    files = {
        name: Output(asset.media_type, path=asset.path, href=f"{url}/{name}")
        for name, asset in results.assets(record.id).items()
    }
    item = _item(files)
    collection = job_collection(record, document, base, item)
    features = features_of(collection, item)
    return {
        # First: clients take the first output that they can read a collection from.
        FEATURES: Output("application/geo+json", features, href=f"{url}/{FEATURES}", schema=FEATURES_SCHEMA),
        STAC: Output("application/json", collection, href=f"{url}/{STAC}", schema=STAC_SCHEMA),
        RESULT: Output("application/json", document, href=f"{url}/{RESULT}"),
        **files,
    }


def _item(files: Mapping[str, Output]) -> dict[str, Any] | None:
    path = files[ITEM].path if ITEM in files else None
    if path is None or path.stat().st_size > MAX_ITEM_BYTES:
        return None
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found
