"""``UnmixClient`` and ``AsyncUnmixClient`` against a real service with queue and workers, and against a liar."""

import asyncio
import inspect
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import REPOSITORY, small_scene
from tests.supervision.trees import Tree, serving
from unmixing import unmix
from unmixing.errors import OutputFolderError, SpecError
from unmixing.mixtures.specs import SeparationSpec
from unmixing.specs import InputSpec, UnmixSpec
from unmixing_client import AsyncJob, AsyncUnmixClient, Job, UnmixClient
from unmixing_client.errors import JobFailedError, RefusedError, UnexpectedAnswerError, UnreachableError

CUBE = small_scene(rows=14, columns=12)
SPEC = UnmixSpec(method="vca_fcls", n_endmembers=3)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with serving(tmp_path_factory.mktemp("service"), UNMIX_SWEEP_SECONDS="0.25") as tree:
        yield tree


@pytest.fixture
def client(service: Tree) -> Iterator[UnmixClient]:
    with UnmixClient(service.url) as opened:
        yield opened


def test_an_array_goes_up_and_the_same_result_comes_down_as_without_a_service(client: UnmixClient) -> None:
    shares, stages = [], []

    def follow(share: float, stage: str, detail: str = "") -> None:
        shares.append(share)
        stages.append(stage)

    job = client.submit(CUBE, SPEC, input=InputSpec(bad_bands="3,7"), progress=follow)
    assert (shares[-1], set(stages)) == (1.0, {"uploading"})
    result = job.wait(follow).result()
    local = unmix(CUBE, SPEC, input=InputSpec(bad_bands="3,7"))
    for name in ("abundances", "brightness", "endmembers", "endmember_norms"):
        np.testing.assert_array_equal(getattr(result, name), getattr(local, name))
    assert result.picture is not None
    assert local.picture is not None
    assert np.abs(result.picture - local.picture).max() <= 1 / 255
    assert result.endmember_names == local.endmember_names
    assert result.warnings == local.warnings
    np.testing.assert_array_equal(result.info.used_bands, local.info.used_bands)
    assert (job.info.status, job.info.progress, shares[-1]) == ("successful", 100, 1.0)
    assert job.info.inputs["n_endmembers"] == 3


def test_a_labelled_array_keeps_its_place_and_wavelengths_on_the_way(client: UnmixClient) -> None:
    xarray = pytest.importorskip("xarray", reason="labelled arrays need xarray")
    place = {"crs_wkt": "", "GeoTransform": "500000.0 30.0 0.0 4100000.0 0.0 -30.0"}
    nm = np.linspace(400.0, 2400.0, 30)
    coordinates = {"wavelength": ("band", nm, {"units": "nm"}), "spatial_ref": ((), 0, place)}
    values = CUBE.transpose(2, 0, 1).copy()
    values[:, 2, 3] = -9999
    image = xarray.DataArray(values, coordinates, ("band", "y", "x"), attrs={"nodata": -9999.0})
    found = client.submit(image, SPEC).wait().result().to_xarray()
    assert found.abundances.dims == ("endmember", "y", "x")
    np.testing.assert_allclose(found.wavelength, nm)
    np.testing.assert_allclose(found.x[:2], [500015.0, 500045.0])
    np.testing.assert_allclose(found.y[:2], [4099985.0, 4099955.0])
    assert np.isnan(found.abundances[:, 2, 3]).all()
    assert found.residual.dims == found.quality.dims == ("y", "x")
    assert int(found.quality[2, 3]) == 1
    assert int(np.isnan(found.brightness).sum()) == 1
    np.testing.assert_array_equal(found.abundances, unmix(image, SPEC).to_xarray().abundances)


def test_files_come_down_whole_or_not_at_all(client: UnmixClient, tmp_path: Path) -> None:
    job = client.submit(CUBE, SPEC).wait()
    document = job.download(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*document["assets"], "result.json"}
    one = job.fetch("endmembers.csv", tmp_path / "out" / "one.csv")
    assert one.read_bytes() == (tmp_path / "out" / "endmembers.csv").read_bytes()
    with pytest.raises(OutputFolderError, match="not empty"):
        job.download(tmp_path / "out")
    job.download(tmp_path / "out", overwrite=True)
    gone = client.job(job.id)
    job.cancel()  # an ended job is removed
    with pytest.raises(RefusedError) as refused:
        gone.download(tmp_path / "other")
    assert refused.value.status == 404
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_job_is_cancelled_and_says_so_to_those_who_wait(client: UnmixClient) -> None:
    long = UnmixSpec(method="cnnaeu", n_endmembers=3, max_training_seconds=600)
    job = client.submit(small_scene(rows=120, columns=120, bands=60), long)
    job.cancel()
    assert job.info.status == "dismissed"
    with pytest.raises(JobFailedError, match="dismissed"):
        job.wait()
    assert job.id in [other.id for other in client.jobs("dismissed")]
    assert job.id not in [other.id for other in client.jobs("successful", limit=5)]


def test_a_model_is_listed_and_used_again_by_its_id(client: UnmixClient) -> None:
    first = client.submit(CUBE, UnmixSpec(method="lista", n_endmembers=3, max_training_seconds=0.01)).wait()
    stored = client.models()[0]
    assert first.document()["model"]["id"] == stored.id
    assert stored.manifest.n_bands == 30
    again = client.submit(CUBE + np.float32(1e-6), model=stored.id).wait().result()
    assert again.uncertainty is not None
    np.testing.assert_allclose(again.abundances, first.result().abundances, atol=1e-2)


def test_inspection_and_the_other_kinds_of_results(client: UnmixClient, tmp_path: Path) -> None:
    np.save(tmp_path / "scene.npy", CUBE)
    seen = client.inspect(tmp_path / "scene.npy", input=InputSpec(rows="0:9"))
    assert (seen.input["rows"], seen.input["columns"]) == (9, 12)
    both = client.submit(CUBE, {"method": "vca_fcls,nmf", "n_endmembers": "3"}).wait()
    assert both.result("nmf").provenance["method"] == "nmf"
    assert both.result().provenance["method"] == "vca_fcls"
    with pytest.raises(SpecError, match="vca_fcls, nmf"):
        both.result("lpalm")
    rng = np.random.default_rng(0)
    mixtures = (rng.laplace(size=(200, 2)) @ rng.random((2, 5))).astype(np.float32)
    separated = client.submit(mixtures, SeparationSpec(n_sources=2, method="palm")).wait()
    assert separated.array("sources.npy").shape == (200, 2)
    with pytest.raises(SpecError, match="mixture matrix"):
        separated.result()


def test_the_words_of_the_service(client: UnmixClient) -> None:
    with pytest.raises(RefusedError, match="constant") as refused:
        client.submit(np.ones((4, 4, 5)))
    assert (refused.value.status, refused.value.kind) == (422, "/problems/scene-content")
    with pytest.raises(RefusedError, match="no job"):
        client.job("nobody")


def test_the_same_in_an_event_loop(service: Tree, tmp_path: Path) -> None:
    async def follow() -> tuple[Any, list[float]]:
        shares: list[float] = []
        async with AsyncUnmixClient(service.url) as client:
            assert await client.ready()
            job = await client.submit(CUBE, SPEC)
            others = asyncio.gather(client.jobs(), client.models(), client.inspect(CUBE))
            await job.wait(lambda share, stage, detail="": shares.append(share))
            await job.download(tmp_path / "out")
            assert job.id in [other.id for other in (await others)[0]]
            return await job.result(), shares

    result, shares = asyncio.run(follow())
    assert shares[-1] == 1.0
    np.testing.assert_array_equal(result.abundances, unmix(CUBE, SPEC).abundances)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "abundances.npy"), result.abundances)


@pytest.mark.parametrize(("waiting", "looping"), [(UnmixClient, AsyncUnmixClient), (Job, AsyncJob)])
def test_both_clients_have_the_same_calls(waiting: type, looping: type) -> None:
    def calls(kind: type) -> dict[str, list[str]]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {name: list(inspect.signature(call).parameters) for name, call in found if not name.startswith("_")}

    assert calls(waiting) == calls(looping)


@pytest.fixture
def liar() -> Iterator[tuple[str, dict[str, Any]]]:
    """A server that answers whatever it was told to, and remembers what it was asked."""
    told: dict[str, Any] = {"body": b"{}", "status": 200, "seen": []}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told["seen"].append((self.path, self.headers.get("Authorization")))
            self.send_response(told["status"])
            self.send_header("Content-Length", str(len(told["body"])))
            self.end_headers()
            self.wfile.write(told["body"])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/under/a/path", told
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_key_is_sent_as_bearer_token_below_the_path_of_the_service(liar: tuple[str, dict[str, Any]]) -> None:
    url, told = liar
    told["body"] = b'{"jobs": []}'
    with UnmixClient(url, api_key="secret") as client:
        assert client.jobs() == []
    assert told["seen"] == [("/under/a/path/jobs?limit=100", "Bearer secret")]


def test_what_is_no_answer_of_this_service_is_an_error_with_words(liar: tuple[str, dict[str, Any]]) -> None:
    url, told = liar
    with UnmixClient(url) as client:
        with pytest.raises(UnexpectedAnswerError, match="not that of this service"):
            client.job("x")
        told["body"] = b"<html>"
        with pytest.raises(UnexpectedAnswerError, match="not answer like this service"):
            client.models()
        told["status"] = 502
        with pytest.raises(RefusedError, match=r"Bad Gateway \(HTTP 502\)"):
            client.models()
        assert not client.ready()


def test_nobody_there() -> None:
    with UnmixClient("http://127.0.0.1:9") as client:
        assert not client.ready()
        with pytest.raises(UnreachableError, match="unmix serve"):
            client.jobs()


def test_the_client_needs_neither_torch_nor_the_service() -> None:
    unwanted = ("torch", "onnx", "sklearn", "matplotlib", "fastapi", "redis", "rq", "service", "model_store", "worker")
    code = f"import sys, unmixing_client as c; c.UnmixClient(); print([n for n in {unwanted} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
