"""Requests to others over HTTP, each on a connection of its own to an address that was checked."""

import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property

import httpcore
import httpx

from model_store.settings import Settings
from service.errors import ReferenceRefusedError, ReferenceUnavailableError
from service.outbound.addresses import Allowance, Guard, lookup
from service.outbound.hrefs import is_usual_port, port_of, shown, web_address

CONNECT_SECONDS = 10.0
MAX_REDIRECTS = 5
REDIRECTS = (301, 302, 303, 307, 308)
AGENT = "unmixing-service"


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the addresses of a host that the guard has checked, and to no others: names are looked up once, so
    that a second answer of the name server cannot differ."""

    def __init__(self, guard: Guard, *, usual_port: bool) -> None:
        self._guard, self._usual_port = guard, usual_port
        self._connections = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for address in await self._guard.addresses(host, port, usual_port=self._usual_port):
            try:
                return await self._connections.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


class WebClient:
    """GET and POST without cookies, credentials, proxies or anything that the environment says."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    @asynccontextmanager
    async def get(self, href: str, url: httpx.URL) -> AsyncIterator[httpcore.Response]:
        """The answer with status 200 to a GET of ``url``, redirects followed. href: how errors call it.

        Raises ReferenceRefusedError, ReferenceUnavailableError.
        """
        for _ in range(MAX_REDIRECTS + 1):
            async with self._answer("GET", href, url) as response:
                if response.status == 200:
                    yield response
                    return
                if response.status not in REDIRECTS:
                    raise ReferenceUnavailableError(f"{shown(href)} was answered with status {response.status}")
                url = _redirected(response, url)
        raise ReferenceUnavailableError(f"{shown(href)} is redirected more than {MAX_REDIRECTS} times")

    async def post(self, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> int:
        """The status of the answer, of which no more is read. Raises as ``get``; errors name the host alone: the
        path of a webhook is often a secret."""
        async with self._answer("POST", str(url.join("/")), url, headers, body) as response:
            return response.status

    async def check(self, url: httpx.URL) -> None:
        """Ask nothing, but raise ReferenceRefusedError when the guard would."""
        try:
            await self._guard.addresses(url.host, port_of(url), usual_port=is_usual_port(url))
        except ReferenceRefusedError as error:
            raise ReferenceRefusedError(f"{shown(str(url))}: {error}") from None

    @asynccontextmanager
    async def _answer(
        self, method: str, href: str, url: httpx.URL, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> AsyncIterator[httpcore.Response]:
        limits = {"timeout": {"connect": CONNECT_SECONDS}}  # whoever asks limits the time of the whole
        said = {
            "Host": url.netloc.decode("ascii"),
            "User-Agent": AGENT,
            "Accept": "*/*",
            # Files are counted and hashed as they come: nothing is to be unpacked on the way.
            "Accept-Encoding": "identity",
            "Connection": "close",
            **(headers or {}),
        }
        backend = CheckedBackend(self._guard, usual_port=is_usual_port(url))
        try:
            async with (
                httpcore.AsyncConnectionPool(self._ssl_context, network_backend=backend) as pool,
                pool.stream(
                    method,
                    _core(url),
                    headers=list(said.items()),
                    content=body or None,
                    extensions=limits,
                ) as response,
            ):
                yield response
        except ReferenceRefusedError as error:
            raise ReferenceRefusedError(f"{shown(href)}: {error}") from None
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
            raise ReferenceUnavailableError(f"{shown(href)} could not be reached: {_why(error)}") from error

    @cached_property
    def _ssl_context(self) -> ssl.SSLContext:
        return httpcore.default_ssl_context()


def _redirected(response: httpcore.Response, url: httpx.URL) -> httpx.URL:
    """Where the answer to ``url`` sends who asked. The error quotes nothing of it: the one who wrote the request need
    not be one who may read what was answered."""
    try:
        return web_address(header_of(response, b"location"), base=url)
    except ReferenceRefusedError:
        raise ReferenceRefusedError("its redirect leads to no http or https address that may be asked") from None


def _core(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)


def header_of(response: httpcore.Response, name: bytes) -> str:
    """The header of this name, in small letters; empty when there is none."""
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")


def _why(error: Exception) -> str:
    """In words of our own: those of the system may quote what an answer held."""
    if isinstance(error, httpcore.ConnectError) and isinstance(error.__context__, ssl.SSLCertVerificationError):
        return "its certificate is not valid for this host"
    if isinstance(error, httpcore.ConnectError | httpcore.ConnectTimeout):
        return "no connection"
    if isinstance(error, httpcore.ProtocolError):
        return "the answer is no complete HTTP"
    return "the connection broke"


def web_client(settings: Settings) -> WebClient:
    """The client that asks what the settings allow. Raises ValueError when they cannot be read."""
    return WebClient(Guard(Allowance.of(settings.outbound_allow), lookup))
