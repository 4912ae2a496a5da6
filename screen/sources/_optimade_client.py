"""A conversation with a provider of OPTIMADE: its pages, their links, and plain messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

from screen.core.errors import CatalogError, SettingsError
from screen.sources._http import CheckedSession, RefusedError, unreachable
from screen.sources._pages import Page
from screen.sources._retry import BRIEF, PATIENT, Policy, TransientError, retried


class Client:
    """A provider, at its base URL with the major version (``.../v1/``)."""

    def __init__(self, base_url: str, timeout: float, note: Callable[[str], None]) -> None:
        self._base_url = base_url
        self._note = note
        self._session = CheckedSession(timeout)

    def info(self) -> dict[str, Any]:
        """``meta`` of the provider: its API version, and its database if it says so.

        Raises
        ------
        CatalogError
            The provider cannot be reached.
        SettingsError
            There is none at this URL.
        """
        meta = self._ask(self._base_url + "info", BRIEF).get("meta")
        if not isinstance(meta, dict):
            raise SettingsError(f"base_url={self._base_url!r} does not speak OPTIMADE")
        return meta

    def page(self, address: str) -> Page:
        """Page of structures.

        Raises
        ------
        CatalogError
            The provider cannot be reached, or does not answer after several tries.
        SettingsError
            It refuses the filter.
        """
        answer = self._ask(address, PATIENT)
        data, meta = answer["data"], answer.get("meta") or {}
        total = meta.get("data_returned")
        return Page(data, total if isinstance(total, int) else None, _following(answer, address))

    def _ask(self, address: str, policy: Policy) -> dict[str, Any]:
        """JSON object at an address."""
        try:
            return retried(lambda: self._get(address), policy, self._note)
        except TransientError as error:
            raise unreachable("the provider", self._base_url, error) from error
        except RefusedError as error:
            raise SettingsError(
                f"the provider at {self._base_url} refuses {address} (status {error.status}): "
                f"{error}; check base_url, filter and page_size"
            ) from error

    def _get(self, address: str) -> dict[str, Any]:
        self._session.get(address)
        answer = self._session.answer
        if "structures" in address and not isinstance(answer.get("data"), list):
            raise TransientError("an answer without data")
        return answer


def _following(answer: dict[str, Any], address: str) -> str | None:
    """Address of the next page: a text, an object with ``href``, or nothing (JSON:API)."""
    link = (answer.get("links") or {}).get("next")
    if isinstance(link, dict):
        link = link.get("href")
    if not link:
        return None
    following = urljoin(address, str(link))
    if not following.startswith(("http://", "https://")):
        raise CatalogError(f"the provider calls {link!r} its next page, which is no web address")
    return following
