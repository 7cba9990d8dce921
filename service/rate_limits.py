"""So many requests in a second from each caller, counted in Redis: services beside each other count together."""

import ipaddress
import math

from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from service.errors import TooManyRequestsError

BURST_SECONDS = 10
"""Whoever was silent for so long may make the requests of this time at once."""

TAKE = """
-- KEYS: the bucket. ARGV: requests per second, the most at once. Returns the seconds until a request may be made, as
-- text: 0 when it may be made now, which takes it out of the bucket.
local rate, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = math.min(most, (tonumber(bucket[1]) or most) + rate * math.max(0, now - (tonumber(bucket[2]) or now)))
if left < 1 then return tostring((1 - left) / rate) end
redis.call('HSET', KEYS[1], 'left', tostring(left - 1), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(1000 * most / rate) + 1000)
return '0'
"""


class RateLimits:
    """Buckets of requests, filled again as time goes by."""

    def __init__(self, redis: AsyncRedis) -> None:
        self._take = redis.register_script(TAKE)

    async def take(self, name: str, requests_per_second: float) -> None:
        """Count a request of the caller ``name``. Raises TooManyRequestsError.

        A Redis that does not answer counts nothing: the request itself will find that out.
        """
        most = max(1, math.ceil(requests_per_second * BURST_SECONDS))
        try:
            seconds = float(await self._take(keys=[f"unmix:rate:{name}"], args=[requests_per_second, most]))
        except RedisError:
            return
        if seconds > 0:
            wait = max(1, math.ceil(seconds))
            raise TooManyRequestsError(
                f"more than {requests_per_second:g} requests a second; try again in {wait} s", wait
            )


def limited_name(owner: str | None, address: str | None) -> str | None:
    """By what name a caller is counted; None for one without a key on this machine, who is not.

    owner: id of the key. address: where the request comes from.
    """
    if owner is not None:
        return f"key:{owner}"
    try:
        is_local = address is None or ipaddress.ip_address(address).is_loopback
    except ValueError:  # a name, as tests and some proxies have it
        is_local = False
    return None if is_local else f"address:{address}"
