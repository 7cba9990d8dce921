"""``unmix submit`` and ``unmix demo`` against a real service with queue and workers."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import TRAINING_SECONDS, Command
from tests.cli.test_run import PRODUCTS, QUICK, assert_one_line_error
from tests.supervision.trees import Tree, serving
from unmixing_client import Job, UnmixClient


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with serving(tmp_path_factory.mktemp("service")) as tree:
        yield tree


def test_results_come_down_whole_and_equal_work_at_once(unmix: Command, tiny: Path, service: Tree) -> None:
    result = unmix("submit", tiny, *QUICK, "--url", service.url)
    assert result.exit_code == 0, result.output
    out = Path("tiny-unmixed")
    assert {path.name for path in out.iterdir()} == PRODUCTS
    document = json.loads((out / "result.json").read_text())
    assert {asset["href"] for asset in document["assets"].values()} == PRODUCTS - {"result.json"}
    assert_one_line_error(unmix("submit", tiny, *QUICK, "--url", service.url), "--force")
    assert unmix("submit", tiny, *QUICK, "--url", service.url, "-o", "again").exit_code == 0
    np.testing.assert_array_equal(np.load("again/abundances.npy"), np.load(out / "abundances.npy"))
    local = unmix("run", tiny, "--model", out / "model.onnx", "-o", "local")
    assert local.exit_code == 0, local.output


def test_a_label_goes_with_the_job_and_a_webhook_is_asked_for(unmix: Command, tiny: Path, service: Tree) -> None:
    labelled = ("--url", service.url, "--method", "vca_fcls", "-p", "3", "--label", "north field", "-o", "labelled")
    assert unmix("submit", tiny, *labelled).exit_code == 0
    with UnmixClient(service.url) as client:
        assert [job.info.labels for job in client.jobs() if job.info.labels] == [("north field",)]
    refused = unmix("submit", tiny, "--url", service.url, "--webhook", "https://hooks.example/end", "-o", "told")
    assert_one_line_error(refused, "UNMIX_WEBHOOK_SECRET", "HTTP 422")


def test_what_the_service_refuses_is_told_in_its_words(unmix: Command, tmp_path: Path, service: Tree) -> None:
    np.save(tmp_path / "constant.npy", np.ones((4, 4, 5)))
    result = unmix("submit", tmp_path / "constant.npy", "--url", service.url)
    assert_one_line_error(result, "constant", "HTTP 422")
    assert not Path("constant-unmixed").exists()


def test_nobody_there(unmix: Command, tiny: Path) -> None:
    assert_one_line_error(unmix("submit", tiny, "--url", "http://127.0.0.1:9"), "unmix serve")


def test_ctrl_c_leaves_the_job_id(unmix: Command, tiny: Path, service: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(job: Job, progress: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Job, "wait", interrupted)
    result = unmix("submit", tiny, *QUICK, "--url", service.url)
    assert result.exit_code == 130
    assert f"curl -X DELETE {service.url}/jobs/" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_demo_on_a_scene_with_truth(unmix: Command, tiny: Path) -> None:
    result = unmix("demo", tiny, "-p", "3", "--max-training-seconds", TRAINING_SECONDS)
    assert result.exit_code == 0, result.output
    matched = dict(re.findall(r"endmember (\d) is (\w+)", result.stdout))
    found = np.load("unmix-demo/tiny-unmixed/abundances.npy")
    with np.load(tiny) as arrays:
        for number, name in matched.items():
            true = arrays["abundances"][:, :, list(arrays["names"]).index(name)]
            assert np.corrcoef(found[:, :, int(number) - 1].ravel(), true.ravel())[0, 1] > 0.9
    assert len(matched) == 3
    assert len(re.findall("off the truth by", result.stdout)) == 1
    folder = Path("unmix-demo/tiny-unmixed").resolve()
    picture = folder.with_name("tiny-unmixed-beside-truth.png")
    assert f"results in {folder}" in result.stdout
    assert str(picture) in result.stdout
    assert (folder / "quicklook.png").is_file()
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_generated_scene_is_laid_out_like_real_ones(tmp_path: Path) -> None:
    pytest.importorskip("prosail", reason="generated scenes need prosail")
    from cli.demo import make_scene

    with np.load(make_scene(tmp_path, 3)) as arrays:
        bands = arrays["wavelengths_nm"].size
        assert arrays["cube"].shape == (60, 60, bands)
        assert arrays["endmembers"].shape == (3, bands)
        assert arrays["abundances"].shape == (60, 60, 3)
        assert arrays["names"].shape == (3,)


def test_a_job_is_drawn_by_its_id(unmix: Command, tiny: Path, service: Tree) -> None:
    with UnmixClient(service.url) as client:
        job = client.submit(tiny, {"method": "vca_fcls", "n_endmembers": "3"}).wait()
    result = unmix("plot", job.id, "--url", service.url)
    assert result.exit_code == 0, result.output
    assert Path(f"{job.id}.png").read_bytes().startswith(b"\x89PNG")
    assert_one_line_error(unmix("plot", "0" * 32, "--url", service.url), "HTTP 404")
