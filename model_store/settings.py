"""Every setting of the service and its workers, each also from the environment with prefix ``UNMIX_``."""

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from model_store.errors import QueueUnavailableError


class Settings(BaseSettings):
    """Read once, by whoever starts a process, and handed on as an argument."""

    model_config = SettingsConfigDict(env_prefix="UNMIX_", env_ignore_empty=True, frozen=True, extra="ignore")

    data: Path = Field(Path("unmix-data"), description="Folder for uploads, results, models and the embedded queue.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    public_url: str | None = Field(
        None, description="URL that users reach the service by, when that is another than its own: links start with it."
    )
    trusted_hosts: str = Field(
        "",
        description="Names of hosts by which the service may be asked beside its own address and that of public_url, "
        "separated by commas; `*.example.org` and `*` work.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, "
        "separated by commas; without them none are.",
    )
    cors_origins: str = Field(
        "", description="Origins whose pages may ask this service from a browser, separated by commas; none by default."
    )
    allow_anonymous: bool | None = Field(
        None,
        description="Whether requests without an API key are answered; by default as long as no key was ever made, and "
        "on loopback addresses alone.",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(1, ge=0, le=256, description="Worker processes started beside the service.")
    redis_url: str | None = Field(
        None,
        repr=False,
        validation_alias=AliasChoices("unmix_redis_url", "redis_url"),
        description="URL of a Redis server (REDIS_URL works too); without one the embedded queue is used.",
    )
    device: Literal["cpu", "cuda", "auto"] = Field(
        "cpu", description="Where to train: cpu, cuda, or auto (cuda when present)."
    )
    threads: int = Field(1, ge=1, description="Threads per job; equal numbers need equal threads.")
    max_upload_bytes: int = Field(
        4 * 1024**3, ge=1, description="Largest upload accepted, all parts together, in bytes."
    )
    max_unpacked_bytes: int = Field(
        16 * 1024**3, ge=1, description="Largest scene once unpacked from its zip, in bytes."
    )
    max_training_seconds: float | None = Field(
        None, gt=0, le=86_400, description="Limit of training when a request names none, in seconds."
    )
    max_values: int = Field(
        20_000_000_000, ge=1, description="Largest scene that becomes a job, in numbers: pixels times bands."
    )
    max_queue_length: int = Field(
        1000, ge=1, description="Jobs that may wait at the same time; another one is refused with 503."
    )
    max_waiting_jobs: int = Field(
        100, ge=0, description="Jobs of one API key that may wait at the same time; another one is refused with 429."
    )
    requests_per_second: float = Field(
        50.0,
        gt=0,
        description="Requests of one API key, or of one address without a key beyond this machine, that are answered "
        "in the long run, and ten seconds' worth of them at once; more are refused with 429.",
    )
    max_connections: int = Field(1000, ge=1, description="Connections that the service holds open at the same time.")
    max_uploads: int = Field(
        256, ge=1, description="Uploads that are received at the same time; another one is refused with 503."
    )
    header_seconds: float = Field(
        10.0, gt=0, description="A connection is cut when the head of a request is not there after this many seconds."
    )
    stall_seconds: float = Field(
        20.0, gt=0, description="An upload is cut when less than 16 KiB of it come in this many seconds."
    )
    job_timeout_seconds: int = Field(6 * 3600, ge=1, description="A job running longer than this fails, in seconds.")
    job_memory_bytes: int | None = Field(
        None,
        ge=1,
        description="A job that takes more memory than this fails, in bytes; without it four fifths of the machine's.",
    )
    part_pixels: int = Field(
        1_000_000,
        ge=1,
        description="With a stored model, images of twice as many pixels or more are shared between workers, in parts "
        "of this size.",
    )
    job_lifetime_seconds: int = Field(
        30 * 24 * 3600, ge=1, description="Ended jobs and their results are removed after this many seconds."
    )
    model_lifetime_seconds: int | None = Field(
        None,
        ge=1,
        description="Stored models that no job uses and no result names are removed after this many seconds; "
        "without it, never.",
    )
    lease_seconds: float = Field(
        15.0,
        gt=0,
        description="A running job whose worker gives no sign of life for this long counts as lost.",
    )
    stop_grace_seconds: float = Field(
        1.5,
        ge=0,
        description="A worker told to stop gives its job back when it has not ended after this many seconds.",
    )
    redis_timeout_seconds: float = Field(
        3.0, gt=0, description="A Redis that takes longer than this to answer counts as down, in seconds."
    )
    object_store: str | None = Field(
        None,
        description="s3://bucket/prefix that keeps job records, uploads, results and models, for services and workers "
        "on different machines; credentials come from AWS_ACCESS_KEY_ID and the like. Without one: the data folder.",
    )
    object_store_endpoint: str | None = Field(None, description="URL of the object store, where it is not Amazon's.")
    log_format: Literal["text", "json"] = Field(
        "text", description="Form of the log on standard error: lines for people, or a JSON object per line."
    )
    log_level: Literal["info", "warning"] = Field(
        "info", description="What the log tells: every event, or warnings and errors alone."
    )
    sweep_seconds: float = Field(5.0, gt=0, description="How often the service looks for lost and expired jobs.")
    readers: int = Field(
        4, ge=1, le=256, description="Uploads that the service reads at the same time, each in a process of its own."
    )
    reader_memory_bytes: int = Field(
        2 * 1024**3, ge=1, description="Memory that reading one upload may take, in bytes."
    )
    reader_cpu_seconds: float = Field(
        30.0, ge=1, description="Processor time that reading one upload may take, in seconds."
    )
    reader_wall_seconds: float = Field(120.0, gt=0, description="Time that reading one upload may take, in seconds.")
    reader_seconds_per_gib: float = Field(
        60.0, ge=0, description="More of both for each GiB of the upload, in seconds."
    )
    reader_wait_seconds: float = Field(
        60.0, gt=0, description="An upload that waits longer than this for its turn is refused with 503, in seconds."
    )
    outbound_allow: str = Field(
        "",
        description="Hosts and networks beside the public internet that references and webhooks may lead to, separated "
        "by commas.",
    )
    file_folder: Path | None = Field(
        None, description="Folder below which requests may name files (`file:`); without one, none."
    )
    s3_endpoint: str | None = Field(
        None, description="URL of the object store in which `s3://bucket/key` is read, without a signature."
    )
    fetch_seconds: float = Field(
        900.0, gt=0, description="Time that fetching one file by reference may take, in seconds."
    )
    fetch_stall_seconds: float = Field(
        20.0, gt=0, description="A file by reference is given up when less than 64 KiB come in this many seconds."
    )
    webhook_secret: str | None = Field(
        None,
        repr=False,
        description="Key that signs webhooks: whsec_ and 24 to 64 random bytes in base64. Without one none are sent.",
    )
    webhook_retry_seconds: float = Field(
        5.0,
        gt=0,
        description="Wait after a webhook did not arrive, in seconds; each wait is four times the one before.",
    )
    sync_seconds: float = Field(
        60.0, gt=0, description="How long a caller of OGC API - Processes is kept waiting for a job, in seconds."
    )
    sync_max_bytes: int = Field(
        64 * 2**20, ge=1, description="Largest input of a job that such a caller may wait for, in bytes."
    )

    @property
    def keys_folder(self) -> Path:
        """Where the API keys are."""
        return self.data / "keys"

    @property
    def queue_url_file(self) -> Path:
        """Where the embedded queue writes its URL, so that other processes find it."""
        return self.data / "queue" / "url"


def queue_url(settings: Settings) -> str:
    """The Redis URL to use: the one given, else that of the embedded queue on this data folder.

    Raises QueueUnavailableError when there is neither.
    """
    if settings.redis_url:
        return settings.redis_url
    try:
        return settings.queue_url_file.read_text("utf-8").strip()
    except FileNotFoundError:
        raise QueueUnavailableError(
            f"no redis_url is set and no embedded queue runs on {settings.data}; `unmix serve` starts one"
        ) from None
