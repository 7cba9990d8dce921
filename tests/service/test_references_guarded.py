"""No request makes the service ask what only its machine can reach (server-side request forgery)."""

import io
import ssl
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
import trustme

from model_store.settings import Settings
from service.errors import ReferenceRefusedError
from service.outbound.addresses import Allowance, is_public
from service.outbound.fetching import MIN_BYTES
from service.outbound.hrefs import web_address
from tests.conftest import npy, serving, small_scene
from tests.service.test_bad_input import assert_nothing_left, assert_problem
from tests.service.web import Page, Web, web

SCENE = npy(small_scene())
FIELDS = {"method": "vca_fcls", "n_endmembers": 3}
NOT_PUBLIC = "no public address"


class Names:
    """A name server: each name gives its answers in turn, the last one for ever. asked: the names, as they came."""

    def __init__(self) -> None:
        self.answers: dict[str, list[list[str]]] = {}
        self.asked: list[str] = []

    async def lookup(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self.answers:
            raise OSError("no such name")
        answers = self.answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    found = Names()
    monkeypatch.setattr("service.outbound.client.lookup", found.lookup)
    return found


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that anything was connected to."""
    to, connect = [], httpcore.AnyIOBackend.connect_tcp

    async def connect_tcp(backend: Any, host: str, *arguments: Any) -> Any:
        to.append(host)
        return await connect(backend, host, *arguments)

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    return to


@pytest.fixture
def listener() -> Iterator[Web]:
    """On every address of this machine, of both kinds where it has both."""
    try:
        with web("::") as served:
            served.pages["/scene.npy"] = Page(SCENE)
            yield served
    except OSError:  # no IPv6 here
        with web("0.0.0.0") as served:
            served.pages["/scene.npy"] = Page(SCENE)
            yield served


@pytest.fixture
def near(settings: Settings) -> Iterator[httpx.Client]:
    """A service whose operator names one address of this machine, so that something can be asked at all."""
    with serving(settings.model_copy(update={"outbound_allow": "127.0.0.1/32"})) as client:
        yield client


def post(service: httpx.Client, href: str) -> httpx.Response:
    return service.post("/unmix", json={"href": href, **FIELDS})


HERE = [
    *("127.0.0.1", "127.8.8.8", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]", "0.0.0.0", "localhost"),
    *("localhost.", "LOCALHOST", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1"),
    *("127.0.0.1.", "①②⑦.⓪.⓪.①", "[64:ff9b::7f00:1]", "[::7f00:1]", "%31%32%37.0.0.1"),
]
"""Ways to write this machine, as the host of an address."""

ELSEWHERE = [
    *("169.254.169.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "100.100.100.200", "192.0.0.192"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "0.1.2.3", "168.63.129.16"),
    *("[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[::ffff:10.0.0.1]"),
    *("[::ffff:a9fe:a9fe]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[2002:7f00:1::1]"),
    *("[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[2001:db8::1]", "[100::1]", "[4000::1]", "2852039166", "0xa9fea9fe"),
]
"""Networks behind this machine, and addresses that stand for them."""


def test_no_way_to_write_this_machine_reaches_it(
    service: httpx.Client, settings: Settings, listener: Web, connections: list[str]
) -> None:
    for host in HERE:
        href = listener.url("/scene.npy", host)
        assert assert_problem(post(service, href), 422, [])["type"] == "/problems/reference-refused", host
    assert listener.connections == 0
    assert connections == []
    assert_nothing_left(service, settings)


def test_no_address_of_another_network_is_asked(service: httpx.Client, connections: list[str]) -> None:
    for host in ELSEWHERE:
        for href in (f"http://{host}/scene.npy", f"https://{host}/latest/meta-data/"):
            assert assert_problem(post(service, href), 422, [])["type"] == "/problems/reference-refused", host
    assert connections == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["169.254.169.254"], ["93.184.215.14", "10.0.0.1"], ["::ffff:127.0.0.1"], ["::1"]]
)
def test_a_name_is_judged_by_every_one_of_its_addresses(
    settings: Settings, names: Names, connections: list[str], addresses: list[str]
) -> None:
    names.answers["data.example"] = [addresses]
    with serving(settings) as service:
        problem = assert_problem(post(service, "http://data.example/scene.npy"), 422, ["data.example", NOT_PUBLIC])
        unknown = assert_problem(post(service, "http://none.example/scene.npy"), 422, [])
    assert connections == []
    assert not any(address in problem["detail"] for address in addresses)
    # Names that are known only inside are told from those that are known nowhere by nobody.
    assert unknown["detail"] == problem["detail"].replace("data.", "none.")


def test_a_name_is_looked_up_once_for_check_and_connection(
    settings: Settings, listener: Web, names: Names, connections: list[str]
) -> None:
    names.answers["rebind.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    with serving(settings.model_copy(update={"outbound_allow": "127.0.0.1/32"})) as near:
        assert post(near, listener.url("/scene.npy", "rebind.example")).status_code == 202
        assert connections == ["127.0.0.1"]
        assert names.asked == ["rebind.example"]
        assert listener.asked[0].headers["Host"] == f"rebind.example:{listener.port}"
        assert_problem(post(near, listener.url("/scene.npy", "rebind.example")), 422, [NOT_PUBLIC])
    assert connections == ["127.0.0.1"]


INSIDE = [
    "http://127.0.0.2:{port}/scene.npy",
    "http://[::1]:{port}/",
    "//127.0.0.2:{port}/scene.npy",
    "http://10.0.0.1/",
]
OTHER = [
    "file:///etc/passwd",
    "ftp://data.example/a",
    "s3://bucket/key",
    "/vsicurl/",
    "http://u:p@127.0.0.1/",
]


@pytest.mark.parametrize("location", INSIDE + OTHER)
def test_a_redirect_is_checked_as_the_first_address_is(near: httpx.Client, listener: Web, location: str) -> None:
    where = location.format(port=listener.port)
    listener.pages["/start.npy"] = Page(status=302, headers={"Location": where})
    href = listener.url("/start.npy")
    problem = assert_problem(post(near, href), 422, [href])
    assert where not in problem["detail"]
    assert [path for path in listener.paths() if path != "/vsicurl/"] == ["/start.npy"]


@pytest.mark.parametrize(
    "href",
    [
        *(
            "file:///etc/passwd",
            "file://localhost/etc/passwd",
            "FILE:/etc/passwd",
            "/etc/passwd",
            "/vsicurl/http://127.0.0.1/",
        ),
        *("/vsizip//etc/a.zip/b", "ftp://127.0.0.1/a", "gopher://127.0.0.1/", "data:text/plain,a", "jar:http://a!/b"),
        *(
            "s3://bucket/key",
            "gs://bucket/key",
            "",
            " ",
            "http://",
            "http:///a",
            "https://[::1",
            "http://a b/",
            "http://a\n/b",
        ),
        *(
            "http://user:password@data.example/a",
            "http://data.example\\@127.0.0.1/a",
            "http://127.0.0.1:99999/",
            "//a/b",
        ),
        *("http://" + "a" * 9000, "http://93.184.215.14:22/a", "http://93.184.215.14:25/a"),
    ],
)
def test_what_is_no_plain_web_address_is_refused(service: httpx.Client, connections: list[str], href: str) -> None:
    problem = assert_problem(post(service, href), 422, [])
    assert problem["type"] == "/problems/reference-refused"
    assert "password" not in problem["detail"] or "user name or password" in problem["detail"] or "file" in href
    assert connections == []


def vrt(source: str) -> bytes:
    return (
        f'<VRTDataset rasterXSize="20" rasterYSize="20">{"".join(band(number, source) for number in range(1, 6))}'
        "</VRTDataset>"
    ).encode()


def band(number: int, source: str) -> str:
    return (
        f'<VRTRasterBand dataType="Float32" band="{number}"><SimpleSource><SourceFilename relativeToVRT="0">{source}'
        f"</SourceFilename><SourceBand>{number}</SourceBand></SimpleSource></VRTRasterBand>"
    )


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "name", ["scene.vrt", "scene.tif", "scene.img", "scene.dat", "scene", "scene.xml", "scene.zip"]
)
def test_a_file_that_names_other_files_opens_none(
    near: httpx.Client, settings: Settings, listener: Web, name: str
) -> None:
    inside = vrt(f"/vsicurl/{listener.url('/inner.tif')}")
    content = zipped({"scene.vrt": inside, "scene.tif": inside}) if name == "scene.zip" else inside
    listener.pages[f"/{name}"] = Page(content)
    answer = post(near, listener.url(f"/{name}"))
    assert 400 <= answer.status_code < 500, answer.text
    assert listener.paths() == [f"/{name}"]
    assert_nothing_left(near, settings)


def test_a_header_that_claims_to_be_a_picture_of_pictures_opens_none(near: httpx.Client, listener: Web) -> None:
    header = "ENVI\nsamples = 20\nlines = 20\nbands = 5\ndata type = 4\ninterleave = bsq\nbyte order = 0\n"
    listener.pages |= {
        "/scene.hdr": Page(header.encode()),
        "/scene.img": Page(vrt(f"/vsicurl/{listener.url('/inner.tif')}").ljust(8000)),
    }
    hrefs = [listener.url("/scene.hdr"), listener.url("/scene.img")]
    assert near.post("/inspect", json={"href": hrefs}).status_code < 500
    assert listener.paths() == ["/scene.hdr", "/scene.img"]


SLOW: dict[str, tuple[Page, dict[str, float], list[str]]] = {
    "a trickle": (Page(SCENE, seconds_per_piece=0.05), {"fetch_stall_seconds": 0.5}, ["too slowly", "65536", "0.5"]),
    "no answer": (Page(SCENE, seconds_before=3.0), {"fetch_stall_seconds": 0.3}, ["too slowly"]),
    "without end": (Page(bytes(10**6), seconds_per_piece=1e-9), {"fetch_seconds": 0.5}, ["0.5 seconds"]),
}


@pytest.mark.parametrize("row", SLOW)
def test_what_comes_too_slowly_is_given_up(settings: Settings, listener: Web, row: str) -> None:
    page, limits, words = SLOW[row]
    listener.pages["/slow.npy"] = page
    with serving(settings.model_copy(update={"outbound_allow": "127.0.0.1", **limits})) as near:
        problem = assert_problem(post(near, listener.url("/slow.npy")), 422, [*words, "/slow.npy"])
        assert problem["type"] == "/problems/reference-unavailable"
        assert_nothing_left(near, settings)


def test_what_comes_slowly_and_steadily_is_waited_for(settings: Settings, listener: Web) -> None:
    scene = npy(small_scene(rows=60, columns=60, bands=30))
    listener.pages["/steady.npy"] = Page(scene, seconds_per_piece=0.2, piece_bytes=len(scene) // 6 + 1)
    assert len(scene) > 6 * MIN_BYTES
    with serving(settings.model_copy(update={"outbound_allow": "127.0.0.1", "fetch_stall_seconds": 0.7})) as near:
        assert post(near, listener.url("/steady.npy")).status_code == 202


def test_a_certificate_has_to_be_that_of_the_name_in_the_address(
    settings: Settings, names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("data.example").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    names.answers = {"data.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]}
    with web(certificate=context) as site, serving(settings.model_copy(update={"outbound_allow": "127.0.0.1"})) as near:
        site.pages["/scene.npy"] = Page(SCENE)
        assert post(near, f"https://data.example:{site.port}/scene.npy").status_code == 202
        assert site.server_names == ["data.example"]
        refused = post(near, f"https://other.example:{site.port}/scene.npy")
        assert_problem(refused, 422, ["other.example", "certificate"])
        assert site.paths() == ["/scene.npy"]


def test_what_the_operator_names_may_be_asked() -> None:
    allowed = Allowance.of("Data.Intranet, 10.1.0.0/16,fd00::/8,127.0.0.1")
    assert allowed.names("data.intranet.")
    assert not allowed.names("more.data.intranet")
    assert allowed.holds("10.1.2.3")
    assert allowed.holds("::ffff:10.1.2.3")
    assert not allowed.holds("10.2.0.1")
    assert not allowed.holds("127.0.0.2")
    for text in ("10.1.0.0/33", "10.1.2.3/16", "1.2.3", "fe80::/129"):
        with pytest.raises(ValueError, match="UNMIX_OUTBOUND_ALLOW"):
            Allowance.of(text)


def test_public_addresses_are_public() -> None:
    for address in (
        "93.184.215.14",
        "8.8.8.8",
        "2606:2800:21f:cb07:6820:80da:af6b:8b2c",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ):
        assert is_public(address), address


def test_an_address_is_read_in_one_way_only() -> None:
    assert str(web_address("HTTPS://Data.Example:443/a b")) == "https://data.example:443/a%20b"
    with pytest.raises(ReferenceRefusedError, match="four decimal numbers"):
        web_address("http://0300.0250.1/")
