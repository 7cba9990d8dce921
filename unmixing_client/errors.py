"""Errors of talking to a service."""


class ClientError(Exception):
    """Root of this package's errors; the text says what to do."""


class UnreachableError(ClientError):
    """No service answers there, or it stopped in the middle of an answer."""


class RefusedError(ClientError):
    """The service said no, in its own words.

    status: of HTTP. kind: the type of the problem, a URI, or None where the answer is no problem+json.
    """

    def __init__(self, text: str, status: int, kind: str | None) -> None:
        super().__init__(f"{text} (HTTP {status})")
        self.status, self.kind = status, kind


class UnexpectedAnswerError(ClientError):
    """Whoever answers is not this service, or one of another version."""


class JobFailedError(ClientError):
    """The job ended without results: it failed, or was dismissed."""
