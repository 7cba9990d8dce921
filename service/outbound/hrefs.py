"""The addresses that a request names: which kinds there may be, and in which one way they are written."""

import re
from ipaddress import AddressValueError, IPv4Address
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
from pydantic import TypeAdapter, ValidationError

from service.errors import ReferenceRefusedError
from unmixing.specs import Address

PORTS = {"http": 80, "https": 443}
FIRST_FREE_PORT = 1024
"""Below it, other ports than those of the web belong to services that speak something else."""

MAX_HREF_LENGTH = 8192
SHOWN_LENGTH = 200

SIGNATURE = re.compile(
    r"x-(amz|goog)-.*|signature|expires|key-pair-id|policy|awsaccesskeyid|googleaccessid"
    r"|s[vertpi]|sig|spr|srt|ss|st|sk[tevs]|skoid|sktid",
    re.I,
)
"""Parameters of a query by which object stores know who may read for a while: those of S3, Google and Azure."""

_ADDRESS = TypeAdapter(Address)


def shown(href: str) -> str:
    """An address as an error quotes it: in one line, not longer than can be read, and without what may be a secret: a
    user's password, and the query, which may hold a token or a signature. Errors get into logs.

    >>> shown("https://me:mine@store.example/scene.tif?token=1")
    "'https://...@store.example/scene.tif?...'"
    """
    text = repr(re.sub(r"\?.*", "?...", re.sub(r"//[^/?#]*@", "//...@", href, count=1), count=1, flags=re.DOTALL))
    return text if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]}...'"


def web_address(href: str, s3_endpoint: str | None = None, base: httpx.URL | None = None) -> httpx.URL:
    """The http or https address that ``href`` means. s3_endpoint: where ``s3://bucket/key`` is asked for. base: what it
    is relative to, when it comes from a redirect.

    >>> str(web_address("s3://scenes/a b.npy", "https://s3.example"))
    'https://s3.example/scenes/a%20b.npy'

    Raises ReferenceRefusedError.
    """
    if len(href) > MAX_HREF_LENGTH:
        raise ReferenceRefusedError(f"{shown(href)} has {len(href)} characters; {MAX_HREF_LENGTH} are allowed")
    try:
        url = httpx.URL(href) if base is None else base.join(href)
    except (httpx.InvalidURL, ValueError) as error:  # ValueError: of the joining, which has no error of its own
        raise ReferenceRefusedError(f"{shown(href)} is no URL: {error}") from None
    if url.scheme == "s3" and base is None:
        return _object_address(href, url, s3_endpoint)
    if url.scheme not in PORTS:
        raise ReferenceRefusedError(f"{shown(href)} begins with {url.scheme!r}; it has to be an http or https address")
    _require_plain(href, url)
    return url


def origin_of(href: str) -> str | None:
    """The address of a file as everybody may read it who reads the result: without the signature of an object store.

    None for files of this machine, and for an address with any other query: what it asks for may be a secret, and
    without it the address is another one.

    >>> origin_of("https://store.example/scene.tif?X-Amz-Date=1&X-Amz-Signature=2")
    'https://store.example/scene.tif'
    """
    try:
        parts = urlsplit(href)
        names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        if not all(map(SIGNATURE.fullmatch, names)):
            return None
        return _ADDRESS.validate_python(parts._replace(query="", fragment="").geturl())
    except (ValueError, ValidationError):
        return None


def port_of(url: httpx.URL) -> int:
    return url.port or PORTS[url.scheme]


def is_usual_port(url: httpx.URL) -> bool:
    return port_of(url) in PORTS.values() or port_of(url) >= FIRST_FREE_PORT


def _object_address(href: str, url: httpx.URL, endpoint: str | None) -> httpx.URL:
    """Path-style, and without a signature: what a bucket shows to everybody."""
    if endpoint is None:
        raise ReferenceRefusedError(
            f"{shown(href)}: this service has no object store set (UNMIX_S3_ENDPOINT); give an https address, "
            f"presigned if the bucket is private"
        )
    bucket, _, key = href.removeprefix(href[: href.index(":") + 1]).removeprefix("//").partition("/")
    if not bucket or not key or url.userinfo or ".." in key.split("/"):
        raise ReferenceRefusedError(f"{shown(href)} is not of the form s3://bucket/key")
    return web_address(f"{endpoint.rstrip('/')}/{quote(bucket)}/{quote(key)}")


def _require_plain(href: str, url: httpx.URL) -> None:
    """Raises ReferenceRefusedError for parts that others may read in another way than this service does."""
    if url.userinfo:
        raise ReferenceRefusedError("the address holds a user name or password; nothing is asked for with credentials")
    if not url.host:
        raise ReferenceRefusedError(f"{shown(href)} names no host")
    last = url.host.rstrip(".").rpartition(".")[2]
    # inet_aton takes decimal, octal and hexadecimal numbers, one to four of them; only one form is unambiguous.
    if ":" not in url.host and (last.isdecimal() or last.lower().startswith("0x")):
        try:
            IPv4Address(url.host)
        except AddressValueError:
            raise ReferenceRefusedError(
                f"{shown(href)}: its host is a number; write an IPv4 address as four decimal numbers"
            ) from None
