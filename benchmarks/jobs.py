"""The whole job, from POST to successful, through the real service: what a user waits for, stage by stage."""

import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np

from benchmarks.measuring import truth_of
from benchmarks.tables import grid
from cli.demo import running_service
from unmixing.simulation.evaluation import evaluate

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Job:
    """Seconds from POST to successful, those of the stages, and how good the answer is."""

    scene: str
    seconds: float
    stages: dict[str, float]
    sad_radians: float
    rmse: float | None


def measure_jobs(scenes: Sequence[Path], repeats: int) -> list[Job]:
    """Each scene ``repeats`` times with seeds 0, 1, ..., at the defaults, the number of endmembers given.

    Service, queue and one worker are running; the worker has imported what jobs need."""
    with TemporaryDirectory() as folder, running_service(Path(folder)) as url, httpx.Client(base_url=url) as client:
        return [_job(client, scene, seed) for scene in scenes for seed in range(repeats)]


def _job(client: httpx.Client, scene: Path, seed: int) -> Job:
    truth = truth_of(scene)
    fields = {
        "n_endmembers": str(len(truth.endmembers)), "seed": str(seed), "abundances_of": str(truth.abundances_of)
    }  # fmt: skip
    started = time.perf_counter()
    with scene.open("rb") as file:
        job = client.post("/unmix", data=fields, files={"file": (scene.name, file)}).raise_for_status().json()
    while (state := client.get(f"/jobs/{job['jobID']}").json())["status"] not in ("successful", "failed"):
        time.sleep(POLL_SECONDS)
    seconds = time.perf_counter() - started
    if state["status"] == "failed":
        raise SystemExit(f"{scene}: {state['error']['detail']}")
    results = client.get(f"/jobs/{job['jobID']}/results").json()
    maps = np.load(io.BytesIO(client.get(results["assets"]["abundances.npy"]["href"]).content))
    spectra = np.array(results["endmembers"]["values"], dtype=np.float64)
    evaluation = evaluate(truth, spectra, maps)
    assert evaluation is not None
    return Job(
        scene.stem, seconds, results["metrics"]["seconds"], evaluation.mean_sad_radians, evaluation.abundance_rmse
    )


def markdown(jobs: Sequence[Job]) -> str:
    """One row per job; the last stage is what the job's own clock does not see: upload, queue, imports, products."""
    stages = [name for name in jobs[0].stages if name != "total"]
    heads = ["scene", "POST to successful (s)", *stages, "rest", "SAD", "RMSE"]
    rows = [
        [
            job.scene,
            f"{job.seconds:.1f}",
            *(f"{job.stages[name]:.2f}" for name in stages),
            f"{job.seconds - job.stages['total']:.2f}",
            f"{job.sad_radians:.4f}",
            "-" if job.rmse is None else f"{job.rmse:.4f}",
        ]
        for job in jobs
    ]
    return grid(heads, rows)
