"""A web server of the tests' own, which keeps what it was asked and by whom."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """An answer. seconds_before: how late it begins. seconds_per_piece: how slowly its body comes, in pieces
    of piece_bytes."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds_before: float = 0.0
    seconds_per_piece: float = 0.0
    piece_bytes: int = 1


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Web:
    """Answers ``pages``, and 404 for the rest. connections: how many there were, whatever came over them."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[Asked] = []
        self.server_names: list[str | None] = []
        self.connections = 0
        self.port = 0

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def paths(self) -> list[str]:
        return [one.path for one in self.asked]


@contextmanager
def web(address: str = "127.0.0.1", certificate: ssl.SSLContext | None = None) -> Iterator[Web]:
    """A server on a free port of this address; ``::`` listens on every address of both kinds."""
    served = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            asked = Asked(self.command, self.path, dict(self.headers.items()), self.rfile.read(length))
            served.asked.append(asked)
            page = served.pages.get(self.path, Page(status=404))
            time.sleep(page.seconds_before)
            try:
                self._answer(page)
            except OSError:  # whoever asked has had enough
                return

        do_POST = do_GET

        def _answer(self, page: Page) -> None:
            self.send_response(page.status)
            for name, value in {"Content-Length": str(len(page.body)), **page.headers}.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            step = page.piece_bytes if page.seconds_per_piece else len(page.body) or 1
            for start in range(0, len(page.body), step):
                self.wfile.write(page.body[start : start + step])
                time.sleep(page.seconds_per_piece)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        daemon_threads = True

        def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
            connection, peer = super().get_request()
            served.connections += 1
            return connection, peer

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    server = Server((address, 0), Handler, bind_and_activate=False)
    if ":" in address:
        server.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    server.server_bind()
    server.server_activate()
    if certificate is not None:
        certificate.sni_callback = lambda _connection, name, _context: served.server_names.append(name)
        server.socket = certificate.wrap_socket(server.socket, server_side=True)
    served.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
