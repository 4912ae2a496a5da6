"""HTTP for catalogs: every answer is checked, every failure is either transient or final."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, cast
from urllib.parse import urlsplit

import requests

from screen.core.errors import CatalogError, SettingsError
from screen.sources._retry import TransientError

TRANSIENT_STATUS = frozenset({408, 425, 429})  # and all of 500 to 599
LONGEST_MESSAGE = 300  # characters of a server's own words
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
KEY_HEADER = "x-api-key"


class RefusedError(Exception):
    """The server has understood the request and will not answer it, however often it is sent."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class CheckedSession(requests.Session):
    """A session whose answers are JSON objects; it never tries again by itself.

    ``send`` raises ``TransientError`` or ``RefusedError``. ``answer`` is the last JSON object: the
    client of the Materials Project keeps the number of matching documents to itself.
    """

    def __init__(self, timeout: float, secret: str = "") -> None:
        super().__init__()
        self._timeout = timeout  # s, to connect and between two bytes
        self._secret = secret  # taken out of whatever the server says
        self.answer: dict[str, Any] = {}
        self.headers["user-agent"] = f"thermoscreen/{version('thermoscreen')}"
        self.headers["accept"] = "application/json, application/vnd.api+json"

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a request and check what comes back."""
        kwargs["timeout"] = self._timeout
        try:
            response = super().send(request, **kwargs)
        except requests.Timeout as error:
            raise TransientError(f"no answer within {self._timeout:g} s") from error
        except requests.RequestException as error:
            raise TransientError(_innermost(error)) from error
        if not response.is_redirect:
            self._check(response)
        return response

    def rebuild_auth(self, prepared: requests.PreparedRequest, response: requests.Response) -> None:
        """Take the key out of a request that is redirected to another host."""
        super().rebuild_auth(prepared, response)
        if self.should_strip_auth(str(response.request.url), str(prepared.url)):
            prepared.headers.pop(KEY_HEADER, None)

    def _check(self, response: requests.Response) -> None:
        """Raise for anything but a JSON object with status 200 to 399."""
        status = response.status_code
        if status in TRANSIENT_STATUS or status >= 500:
            raise TransientError(f"status {status}", _retry_after(response))
        if status >= 400:
            raise RefusedError(status, self._words(response))
        try:
            answer = response.json()
        except ValueError as error:
            raise TransientError("an answer that is no JSON") from error
        if not isinstance(answer, dict):
            raise TransientError("an answer that is no JSON object")
        self.answer = answer

    def _words(self, response: requests.Response) -> str:
        """Return what the server says about a refused request, without the key."""
        text = " ".join(response.text.split())
        if self._secret:
            text = text.replace(self._secret, "[key]")
        return text[:LONGEST_MESSAGE]


def checked_url(source: str, option: str, value: object) -> str:
    """URL with a slash at its end, from an option of a source.

    Raises
    ------
    SettingsError
        It is no http(s) URL with a host.
    """
    parts = urlsplit(value) if isinstance(value, str) else None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(
            f"source {source!r}: {option}={value!r} must be a URL such as https://example.org/"
        )
    return cast("str", value).rstrip("/") + "/"


def unreachable(who: str, url: str, error: TransientError) -> CatalogError:
    """Error after the last try."""
    return CatalogError(
        f"{who} ({url}) cannot be reached: {error}; check the network, or use a catalog file. "
        "Pages that have come are kept: the same command goes on"
    )


def is_private(url: str) -> bool:
    """Whether nobody on the way can read what is sent to ``url``."""
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in LOOPBACK


def _retry_after(response: requests.Response) -> float | None:
    """Seconds that the header Retry-After asks for (RFC 9110, 10.2.3), be it a date or a number."""
    text = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):  # no such header, or one that nobody can read
            return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def _innermost(error: BaseException) -> str:
    """Reason of a failed connection, without the layers of urllib3 around it."""
    while error.__context__ is not None:
        error = error.__context__
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
