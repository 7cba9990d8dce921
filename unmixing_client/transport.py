"""Carries the steps of a conversation out over HTTP: waiting, or in an event loop."""

import asyncio
import time
from typing import Any, TypeVar

import httpx

from unmixing_client.errors import UnreachableError
from unmixing_client.flows import Answer, Ask, Flow, Pause, Save, Step

LOCAL = "http://127.0.0.1:8000"
"""Where `unmix serve` listens when nothing else is said."""

CHUNK_BYTES = 1 << 20

Result = TypeVar("Result")


def _options(api_key: str | None, timeout: float) -> dict[str, Any]:
    """Uploads may wait for the disk, so writing and reading get more time than connecting."""
    headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
    return {"timeout": httpx.Timeout(timeout, connect=5.0), "follow_redirects": True, "headers": headers}


def _asked(step: Ask) -> dict[str, Any]:
    return {"params": step.query, "data": dict(step.fields) or None, "files": step.files or None}


def _answer(answer: httpx.Response) -> Answer:
    return Answer(answer.status_code, answer.reason_phrase, answer.content)


def _lost(url: str, error: httpx.TransportError) -> UnreachableError:
    return UnreachableError(f"no answer from {url} ({error}); does `unmix serve` run there?")


class Transport:
    """Talks to the service at ``url`` (with a slash at its end) and waits for each answer."""

    def __init__(self, url: str, api_key: str | None, timeout: float) -> None:
        self.url, self._http = url, httpx.Client(**_options(api_key, timeout))

    def close(self) -> None:
        self._http.close()

    def run(self, flow: Flow[Result]) -> Result:
        """Carry a conversation out to its end."""
        answer = None
        try:
            while True:
                answer = self._done(flow.send(answer))
        except StopIteration as ended:
            result: Result = ended.value
            return result
        finally:
            flow.close()

    def _done(self, step: Step) -> Answer | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            if isinstance(step, Ask):
                return _answer(self._http.request(step.method, self.url + step.path, **_asked(step)))
            return self._saved(step)
        except httpx.TransportError as error:
            raise _lost(self.url, error) from error

    def _saved(self, step: Save) -> Answer:
        with self._http.stream("GET", self.url + step.path) as answer:
            if answer.is_error:
                answer.read()
                return _answer(answer)
            with step.target.open("wb") as file:
                for chunk in answer.iter_bytes(CHUNK_BYTES):
                    file.write(chunk)
            return Answer(answer.status_code, answer.reason_phrase)


class AsyncTransport:
    """The same in an event loop."""

    def __init__(self, url: str, api_key: str | None, timeout: float) -> None:
        self.url, self._http = url, httpx.AsyncClient(**_options(api_key, timeout))

    async def close(self) -> None:
        await self._http.aclose()

    async def run(self, flow: Flow[Result]) -> Result:
        """Carry a conversation out to its end."""
        answer = None
        try:
            while True:
                try:
                    step = flow.send(answer)
                except StopIteration as ended:
                    result: Result = ended.value
                    return result
                answer = await self._done(step)
        finally:
            flow.close()

    async def _done(self, step: Step) -> Answer | None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            if isinstance(step, Ask):
                return _answer(await self._http.request(step.method, self.url + step.path, **_asked(step)))
            return await self._saved(step)
        except httpx.TransportError as error:
            raise _lost(self.url, error) from error

    async def _saved(self, step: Save) -> Answer:
        async with self._http.stream("GET", self.url + step.path) as answer:
            if answer.is_error:
                await answer.aread()
                return _answer(answer)
            with step.target.open("wb") as file:
                async for chunk in answer.aiter_bytes(CHUNK_BYTES):
                    file.write(chunk)
            return Answer(answer.status_code, answer.reason_phrase)
