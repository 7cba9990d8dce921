"""``unmix jobs``, ``cancel`` and ``models``: what a service has, and stopping its jobs."""

from datetime import datetime
from typing import Annotated

import typer

from cli import options
from cli.errors import OUTPUT, CliError, one_line_errors
from cli.manners import print_json, wants_json
from unmixing_client.documents import ENDED, JobInfo, JobStatus, ModelInfo

Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most; the newest come first.")]
Status = Annotated[JobStatus | None, typer.Option(help="Those in this state alone.", show_default=False)]
JobIds = Annotated[
    list[str], typer.Argument(metavar="JOB...", help="Ids, as `unmix jobs` shows them.", show_default=False)
]
Remove = Annotated[bool, typer.Option("--remove", help="Also remove jobs that have ended, with their results.")]

LOCAL = "http://127.0.0.1:8000"


def jobs(status: Status = None, limit: Limit = 20, url: options.Url = LOCAL, api_key: options.ApiKey = None) -> None:
    """List the jobs of a service.

    Examples:

        unmix jobs

        unmix jobs --status running --json
    """
    with one_line_errors():
        from unmixing_client import UnmixClient

        with UnmixClient(url, api_key=api_key) as client:
            found = [job.info for job in client.jobs(status, limit)]
        if wants_json():
            print_json([job.model_dump(mode="json") for job in found])
        for job in found:
            OUTPUT.print(_job_line(job), markup=False)


def cancel(job: JobIds, remove: Remove = False, url: options.Url = LOCAL, api_key: options.ApiKey = None) -> None:
    """Stop jobs of a service that wait or run; one that has ended is left alone.

    Examples:

        unmix cancel 6f0c7ad2a0e94d6fb4d0b6a8f3f0a111
    """
    with one_line_errors():
        from unmixing_client import UnmixClient

        with UnmixClient(url, api_key=api_key) as client:
            found = [client.job(each) for each in job]
            ended = [each.id for each in found if each.info.status in ENDED]
            if ended and not remove:
                raise CliError(f"{ended[0]} has ended; nothing was stopped. Remove it with its results by --remove")
            for each in found:
                each.cancel()
        if wants_json():
            print_json([each.info.model_dump(mode="json") for each in found])
        for each in found:
            OUTPUT.print(f"{each.id}: {'removed' if each.id in ended else 'stopped'}", markup=False)


def models(limit: Limit = 20, url: options.Url = LOCAL, api_key: options.ApiKey = None) -> None:
    """List the stored models of a service, to be applied with `unmix submit --model`.

    Examples:

        unmix models

        unmix submit next.npz --model 377d83ab12
    """
    with one_line_errors():
        from unmixing_client import UnmixClient

        with UnmixClient(url, api_key=api_key) as client:
            found = client.models(limit)
        if wants_json():
            print_json([model.model_dump(mode="json") for model in found])
        for model in found:
            OUTPUT.print(_model_line(model), markup=False)


def _job_line(job: JobInfo) -> str:
    """One line, as wide as it has to be: ids are there to be copied, lines to be searched."""
    facts = [*job.labels, *job.inputs.get("file", []), job.inputs.get("method", "")]
    if job.status in ("running", "failed"):
        facts.append(job.message)
    what = ", ".join(filter(None, facts))
    return f"{job.id}  {job.status:<10}  {job.progress:>3}%  {_moment(job.created)}  {what}"


def _model_line(model: ModelInfo) -> str:
    facts = model.manifest
    what = f"{facts.method}, {facts.n_endmembers} endmembers, {facts.n_bands} bands"
    return f"{model.id}  {_moment(model.created)}  {what}"


def _moment(when: datetime) -> str:
    return f"{when.astimezone():%Y-%m-%d %H:%M}"
