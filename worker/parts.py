"""A large image shared between workers: the job's own work-horse leads, whoever is free joins in."""

import logging
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rq import Queue, Worker
from threadpoolctl import threadpool_limits

from model_store.jobs import LIVE
from model_store.records import JobRecord
from model_store.settings import Settings
from model_store.stores import Stores
from unmixing.errors import Cancelled
from unmixing.progress import Progress, part_of
from unmixing.types import Compute, Cube, SpectralLibrary, TrainedModel, Unmixing
from worker.lease import Lease

if TYPE_CHECKING:
    from unmixing.io.apply.parts import SceneWork
    from unmixing.io.formats.reader import SceneReader

ASSIST = "worker.tasks.assist"
POLL_SECONDS = 0.1
LOOKING_SHARE = 0.1

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SharedApply:
    """``apply_to_scene`` for a job: an image of several parts is done together with other workers, in a folder that
    outlives a killed work-horse."""

    record: JobRecord
    settings: Settings
    stores: Stores

    def __call__(
        self,
        reader: "SceneReader",
        model: TrainedModel,
        folder: Path,
        *,
        n_endmembers: int | None = None,
        library: SpectralLibrary | None = None,
        compute: Compute,
        progress: Progress,
    ) -> tuple[Unmixing, Cube, dict[str, str]]:
        """See ``apply_to_scene``."""
        from unmixing.io.apply.parts import apply_to_scene, begin, open_work
        from unmixing.pipeline import require_fit

        if reader.shape[0] * reader.shape[1] < 2 * self.settings.part_pixels:
            return apply_to_scene(
                reader, model, folder, n_endmembers=n_endmembers, library=library, compute=compute, progress=progress
            )
        require_fit(model, reader.shape[2], n_endmembers)
        started = time.perf_counter()
        shared = self.stores.parts.of(self.record.id)
        shared.mkdir(parents=True, exist_ok=True)

        self._call_for_help()  # they have to start first, and wait for the look at the sample
        begin(reader, model, shared, self.settings.part_pixels, compute, part_of(progress, 0.0, LOOKING_SHARE))
        work, matches = open_work(reader, model, shared, library, compute)
        with threadpool_limits(compute.threads):
            do_pending(work, self.record.id, self.stores, part_of(progress, LOOKING_SHARE, 1.0))
        elapsed = round(time.perf_counter() - started, 4)
        unmixing, cube, media_types = work.join({"inference": elapsed, "total": elapsed}, matches)
        for name in media_types:
            _give(shared / name, folder / name)
        return unmixing, cube, media_types

    def _call_for_help(self) -> None:
        """Ask the other workers of this queue, or one that may come."""
        queue = Queue(self.record.queue, connection=self.stores.redis, serializer="json")
        for _ in range(max(1, Worker.count(queue=queue) - 1)):
            queue.enqueue(
                ASSIST,
                args=[self.record.id],
                description=f"assist {self.record.id}",
                job_timeout=self.settings.job_timeout_seconds,
                result_ttl=0,
                failure_ttl=0,
            )


def _give(source: Path, target: Path) -> None:
    """The same file under another name. It is not moved: to a helper that looks just now it would be undone."""
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def do_pending(work: "SceneWork", job_id: str, stores: Stores, progress: Progress) -> None:
    """Do whatever nobody else does, until nothing is left; what others hold for longer than they live is done again.

    ``progress`` may raise Cancelled.
    """
    while pending := work.pending():
        progress(work.share_done(), "unmixing the image together with other workers")
        name = next((name for name in pending if stores.claims.take(job_id, name)), None)
        if name is None:
            time.sleep(POLL_SECONDS)
        elif name in work.pending():  # it may have been finished between the look and the claim
            _do(work, name, job_id, stores, progress)
        else:
            stores.claims.release(job_id, name)


def _do(work: "SceneWork", name: str, job_id: str, stores: Stores, progress: Progress) -> None:
    def report(share: float, stage: str, detail: str = "") -> None:
        progress(work.share_done(), stage, detail)

    claims = stores.claims
    try:
        with Lease(lambda: claims.renew(job_id, name), claims.lease_seconds, lambda: None, name):
            work.run(name, report)
    finally:
        claims.release(job_id, name)


def assist(job_id: str, settings: Settings, stores: Stores) -> None:
    """Join in the work on a job that somebody else leads. Whatever goes wrong here is met there too, and told there."""
    record = stores.jobs.get(job_id)
    shared = stores.parts.of(job_id)
    if record is None or record.status not in LIVE or record.model_id is None or not shared.is_dir():
        return
    from unmixing.io.apply.parts import LOOK, open_work
    from unmixing.io.inputs.libraries import read_library
    from unmixing.io.inputs.scenes import open_scene
    from unmixing.io.inputs.tasks import LIBRARY

    report = _while_live(job_id, stores)
    while not (shared / LOOK).exists():
        report(0.0, "waiting for the look at the sample")
        time.sleep(POLL_SECONDS)
    folder = stores.inputs.of(job_id)
    compute = Compute(settings.device, settings.threads)
    names = record.libraries.get(LIBRARY, ())
    library = read_library([folder / name for name in names]) if names else None
    model = stores.models.load(record.model_id)
    with (
        open_scene([folder / name for name in record.files], record.variable, scratch=folder) as reader,
        threadpool_limits(compute.threads),
    ):
        work, _ = open_work(reader, model, shared, library, compute)
        do_pending(work, job_id, stores, report)


def _while_live(job_id: str, stores: Stores) -> Progress:
    """Raises Cancelled once the job has ended: looked up again every so often."""
    checked = 0.0
    pause = stores.claims.lease_seconds / 10

    def report(share: float, stage: str, detail: str = "") -> None:
        nonlocal checked
        if time.monotonic() - checked < pause:
            return
        checked = time.monotonic()
        record = stores.jobs.get(job_id)
        if record is None or record.status not in LIVE:
            raise Cancelled(f"job {job_id} has ended")

    return report
