"""When jobs and models are removed by themselves."""

from datetime import datetime, timedelta

from model_store.jobs import LIVE
from model_store.models import StoredModel
from model_store.records import JobRecord
from model_store.settings import Settings
from model_store.stores import Stores


def expires(record: JobRecord, settings: Settings) -> datetime | None:
    """When the job goes, with its results; None while it has not ended."""
    if record.finished is None:
        return None
    return record.finished + timedelta(seconds=settings.job_lifetime_seconds)


def model_expires(model: StoredModel, settings: Settings) -> datetime | None:
    """When the model goes, if nothing refers to it by then; None for never."""
    if settings.model_lifetime_seconds is None:
        return None
    return model.created + timedelta(seconds=settings.model_lifetime_seconds)


def expired_models(stores: Stores, settings: Settings, moment: datetime) -> list[tuple[str | None, str]]:
    """Owner and id of the models that go now: their time is over, no job that waits or runs uses them, no result names
    them."""
    if settings.model_lifetime_seconds is None:
        return []
    over = [
        (owner, model.id)
        for owner in (None, *stores.models.owners())
        for model in stores.models.of(owner).every()
        if (model_expires(model, settings) or moment) < moment
    ]
    if not over:
        return []
    # Results after jobs: one that is stored meanwhile belongs to a job that was seen running.
    live = {record.model_id for status in LIVE for record in stores.jobs.every(status)}
    named = {identifier for job_id in stores.results.ids() for identifier in stores.results.model_ids(job_id)}
    return [(owner, identifier) for owner, identifier in over if identifier not in live | named]
