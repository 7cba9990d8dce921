"""The same main job on a Redis server, where there is one: REDIS_URL, or a ``redis-server`` on the path."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from model_store.adoption import ID_KEY, queue_owner
from model_store.settings import Settings
from tests.conftest import npy, redis_server, serving, small_scene, wait_until, working


@pytest.fixture
def redis_url() -> Iterator[str]:
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    with redis_server() as (_, url):
        yield url


def test_a_scene_on_a_redis_server(tmp_path: Path, redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        wait_until(lambda: answers(redis), 10)
        if queue_owner(redis) is not None:
            pytest.skip("this Redis belongs to a data folder")
    settings = Settings(data=tmp_path, redis_url=redis_url)
    with serving(settings) as service, working(settings):
        fields = {"n_endmembers": "3", "max_training_seconds": "3"}
        posted = service.post("/unmix", data=fields, files={"file": ("scene.npy", npy(small_scene()))})
        url = posted.headers["location"]
        try:
            wait_until(lambda: service.get(url).json()["status"] == "successful", 120)
        finally:
            # The server may be somebody's: leave nothing there.
            service.delete(url)
            service.delete(url)
            with Redis.from_url(redis_url) as redis:
                redis.delete(ID_KEY)


def answers(redis: Redis) -> bool:
    try:
        return bool(redis.ping())
    except RedisError:
        return False
