"""Signatures of webhooks as Standard Webhooks 1.0 has them (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

PREFIX = "whsec_"
KEY_BYTES = (24, 64)
"""The fewest and the most bytes of a key."""


def keys_of(secret: str) -> tuple[bytes, ...]:
    """The keys in a secret: ``whsec_`` and base64. While a key is changed there are two, with a space between them.

    >>> keys_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")[0].hex()[:8]
    '31f290f6'

    Raises ValueError.
    """
    return tuple(_key(one) for one in secret.split())


def _key(secret: str) -> bytes:
    fewest, most = KEY_BYTES
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(f"UNMIX_WEBHOOK_SECRET: after {PREFIX!r} it has to be base64: {error}") from None
    if not secret.startswith(PREFIX) or not fewest <= len(key) <= most:
        raise ValueError(
            f"UNMIX_WEBHOOK_SECRET has to be {PREFIX!r} and {fewest} to {most} random bytes in base64; "
            f"it holds {len(key)} bytes: `echo {PREFIX}$(openssl rand -base64 32)` makes one"
        )
    return key


def signed_headers(keys: tuple[bytes, ...], message_id: str, moment: datetime, body: bytes) -> dict[str, str]:
    """The headers of a message: its id, the time in seconds since 1970, and where there are keys a signature by each:
    HMAC-SHA256 of id.time.body, in base64."""
    seconds = str(int(moment.timestamp()))
    signed = b".".join([message_id.encode(), seconds.encode(), body])
    found = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in keys]
    headers = {"webhook-id": message_id, "webhook-timestamp": seconds}
    return headers | ({"webhook-signature": " ".join(f"v1,{one}" for one in found)} if found else {})
