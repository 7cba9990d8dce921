"""The inputs of an execute request, checked against the process and made what an upload of the same work would be."""

import asyncio
from pathlib import Path
from typing import Any

from service.context import Context
from service.errors import ExecuteRequestError, UploadFieldError
from service.ogc.processes import REFERENCE, Process
from service.outbound.references import Reference, fetched, note_origin
from service.reading.execute_requests import BINARY_INPUTS
from service.reading.messages import ReadExecution
from service.uploads import FILE, JSON_MIXTURES, SUBMITTED_FIELDS, Fields, Upload, plain_text
from unmixing.io.inputs.digests import sha256_of
from unmixing.io.inputs.input_kind import InputKind


def require_inputs(process: Process, asked: ReadExecution) -> None:
    """Raises ExecuteRequestError for inputs and outputs that the process does not have, and for missing ones."""
    for name, values in asked.inputs.items():
        row = process.inputs.get(name)
        if row is None:
            known = ", ".join(process.inputs)
            raise ExecuteRequestError(f"{process.id} has no input {name!r}; its inputs are {known}")
        if len(values) > row.n_most:
            raise ExecuteRequestError(f"{name} has {len(values)} values; {row.n_most} is the most")
    for name, row in process.inputs.items():
        if len(asked.inputs.get(name, ())) < row.n_least:
            raise ExecuteRequestError(f"the input {name!r} is missing; {process.id} needs it")
    for name, mode in (asked.execution.outputs or {}).items():
        if name not in process.outputs:
            known = ", ".join(process.outputs)
            raise ExecuteRequestError(f"{process.id} has no output {name!r}; its outputs are {known}")
        if mode == REFERENCE and REFERENCE not in process.transmission:
            raise ExecuteRequestError(f"{name}: {process.id} sends values alone, no references")


async def as_upload(context: Context, asked: ReadExecution, folder: Path) -> Upload:
    """The files of the inputs in ``folder``, those by reference too, and the others as the fields of a form.

    Raises ExecuteRequestError, and what ``References.fetch`` raises.
    """
    fields, linked = Fields(SUBMITTED_FIELDS), {}
    for name, values in asked.inputs.items():
        linked[name] = [Reference(href=value.href) for value in values if value.href is not None]
        if name not in BINARY_INPUTS:
            for value in values:
                _add(fields, name, value.value)
    if any(value.file == JSON_MIXTURES for value in asked.inputs.get(FILE, ())):
        fields.values.setdefault("kind", InputKind.MIXTURES)
    note_origin(fields, linked.get(FILE, []))
    digests = await fetched(linked, folder, context.references, context.max_upload_bytes)
    for name, values in asked.inputs.items():
        for written in (folder / value.file for value in values if value.file is not None):
            digests[name][written.name] = await asyncio.to_thread(sha256_of, written)
    return Upload(fields.values, digests)


def _add(fields: Fields, name: str, value: Any) -> None:
    items = value if isinstance(value, list) else [value]
    try:
        fields.add(name, ",".join(plain_text(name, item) for item in items))
    except UploadFieldError as error:
        raise ExecuteRequestError(str(error)) from None
