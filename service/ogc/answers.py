"""Outputs as the standard sends them: one document with all of them, or each as it is (``raw``)."""

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from model_store.records import Execution, JobRecord
from model_store.results import ResultStore
from service.errors import UnknownOutputError
from service.files import stored_file
from service.ogc.outputs import Output, job_outputs
from service.ogc.processes import REFERENCE, VALUE

RAW, DOCUMENT = "raw", "document"
MAX_INLINE_BYTES = 32 * 2**20
"""Of a file inside a JSON document; a larger one is a link, whatever was asked for."""

CHUNK_BYTES = 2**20

Chosen = Mapping[str, tuple[Output, str | None]]
"""By id, an output and how it is to be sent: None where that was not said."""


def answer(request: Request, outputs: Mapping[str, Output], execution: Execution, n_described: int) -> Response:
    """The outputs that ``execution`` asks for, in the form that it asks for. n_described: how many the process has.

    Where it names no form, a single output comes raw and several come in a document: as in version 2 of the standard,
    because clients in use cannot read the multipart bodies that version 1 has for several. Raises UnknownOutputError.
    """
    chosen = _chosen(outputs, execution)
    n_asked = len(execution.outputs) if execution.outputs else n_described
    form = execution.response or (RAW if n_asked == 1 else DOCUMENT)
    if form == DOCUMENT:
        return JSONResponse(_document(chosen))
    if all(mode == REFERENCE for _, mode in chosen.values()):
        return _links(chosen)
    if len(chosen) == 1:
        ((output, _),) = chosen.values()
        return raw(request, output)
    boundary = uuid.uuid4().hex
    return StreamingResponse(_parts(chosen, boundary), media_type=f'multipart/related; boundary="{boundary}"')


def results_document(results: ResultStore, record: JobRecord, base: str) -> dict[str, Any]:
    """The results of a successful job as one JSON object, with the outputs that were asked for. base: URL of the
    service, with a slash at its end. Raises ResultNotReadyError when the files have gone, and UnknownOutputError."""
    execution = record.execution or Execution(process=record.process)
    return _document(_chosen(job_outputs(record, results, base), execution))


def raw(request: Request, output: Output) -> Response:
    """One output as it is; files in ranges too."""
    if output.path is not None:
        return stored_file(request, output.path, output.media_type)
    return Response(_content(output), media_type=output.media_type)


def _chosen(outputs: Mapping[str, Output], execution: Execution) -> Chosen:
    if not execution.outputs:
        return {name: (output, None) for name, output in outputs.items()}
    found = {name: (outputs[name], mode) for name, mode in execution.outputs.items() if name in outputs}
    if not found:
        asked, there = ", ".join(execution.outputs), ", ".join(outputs)
        raise UnknownOutputError(f"the results have no output {asked}; they have {there}")
    return found


def _document(chosen: Chosen) -> dict[str, Any]:
    return {name: _in_document(output, mode) for name, (output, mode) in chosen.items()}


def _in_document(output: Output, mode: str | None) -> Any:
    if output.path is not None:
        if mode != VALUE or output.path.stat().st_size > MAX_INLINE_BYTES:
            return _link(output)
        text = base64.b64encode(output.path.read_bytes()).decode("ascii")
        return {"value": text, "encoding": "base64", "mediaType": output.media_type}
    if mode == REFERENCE and output.href is not None:
        return _link(output)
    if not isinstance(output.value, dict):
        return output.value
    schema = {} if output.schema is None else {"schema": output.schema}
    return {"value": output.value, "mediaType": output.media_type, **schema}


def _link(output: Output) -> dict[str, Any]:
    return {"href": output.href, "type": output.media_type}


def _links(chosen: Chosen) -> Response:
    """204 with a Link header for each output: where there is only something to be fetched."""
    links = [f'<{output.href}>; rel="{name}"; type="{output.media_type}"' for name, (output, _) in chosen.items()]
    return Response(status_code=204, headers={"Link": ", ".join(links)})


async def _parts(chosen: Chosen, boundary: str) -> AsyncIterator[bytes]:
    """A multipart/related body: values as parts, and empty parts that say where the others are."""
    for name, (output, mode) in chosen.items():
        head = f"--{boundary}\r\nContent-ID: <{name}>\r\nContent-Type: {output.media_type}\r\n"
        if mode == REFERENCE:
            yield f"{head}Content-Location: {output.href}\r\n\r\n\r\n".encode()
            continue
        yield f"{head}\r\n".encode()
        if output.path is None:
            yield _content(output)
        else:
            with await asyncio.to_thread(output.path.open, "rb") as file:
                while piece := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    yield piece
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _content(output: Output) -> bytes:
    is_text = output.media_type == "text/plain"
    return str(output.value).encode() if is_text else json.dumps(output.value, ensure_ascii=False).encode()
