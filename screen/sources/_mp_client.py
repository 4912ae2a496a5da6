"""The client of the Materials Project (mp-api), with our own session, retries and messages."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, ClassVar, TypeVar, cast

from screen.core.errors import SettingsError
from screen.sources._http import CheckedSession, RefusedError, is_private, unreachable
from screen.sources._mp_query import Search
from screen.sources._pages import Page
from screen.sources._retry import BRIEF, PATIENT, TransientError, retried

ENDPOINT = "https://api.materialsproject.org/"
VARIABLE = "MP_API_KEY"
KEYS = "https://next-gen.materialsproject.org/api"
FIELDS = (
    *("material_id", "structure", "symmetry", "band_gap", "energy_above_hull"),
    *("ordering", "theoretical", "deprecated", "builder_meta"),
)
_KEY = re.compile(r"[A-Za-z0-9]{32}")

Note = Callable[[str], None]
T = TypeVar("T")


def check_key(endpoint: str) -> None:
    """Check that there is a key, and that it is not sent where anybody could read it.

    Raises
    ------
    SettingsError
        It is missing, is no key, or would be sent in the clear. The key is never in the message.
    """
    key = os.environ.get(VARIABLE, "")
    if not key:
        raise SettingsError(
            f"the Materials Project needs a key: get one at {KEYS} and `export {VARIABLE}=...`"
        )
    if not _KEY.fullmatch(key):
        raise SettingsError(
            f"{VARIABLE} is no key of the Materials Project: it has {len(key)} characters instead "
            f"of 32 letters and digits; copy it again from {KEYS}"
        )
    if not is_private(endpoint):
        raise SettingsError(f"endpoint={endpoint!r} would get the key unencrypted; give https")


class Client:
    """A conversation with the summary endpoint of the Materials Project.

    The key lives in the environment and in the session's headers, nowhere else.
    """

    def __init__(self, endpoint: str, timeout: float, note: Note) -> None:
        self._endpoint = endpoint
        self._note = note
        self._session = CheckedSession(timeout, os.environ[VARIABLE])
        heartbeat = self._ask(self._heartbeat, brief=True)
        self.db_version: str = heartbeat[0]
        self._summary = self._open(heartbeat)

    def page(self, search: Search, number: int, size: int) -> Page:
        """Page ``number``, from 1, of the documents that fit, sorted by their identifier.

        Raises
        ------
        SettingsError
            The server refuses the key or the query.
        CatalogError
            The server cannot be reached, or does not answer after several tries.
        """
        return self._ask(lambda: self._page(search, number, size))

    def current_version(self) -> str:
        """Version of the database now; it changes a few times a year."""
        return self._ask(self._heartbeat)[0]

    def _ask(self, question: Callable[[], T], brief: bool = False) -> T:
        """Ask until there is an answer, and say plainly why there is none."""
        try:
            return retried(question, BRIEF if brief else PATIENT, self._note)
        except TransientError as error:
            raise unreachable("the Materials Project", self._endpoint, error) from error
        except RefusedError as error:
            raise _refusal(self._endpoint, error) from error

    def _heartbeat(self) -> tuple[str, list[str]]:
        """Version of the database and batches with restricted access, as the client wants it."""
        self._session.get(self._endpoint + "heartbeat")
        answer = self._session.answer
        if not isinstance(answer.get("db_version"), str):
            raise RefusedError(404, "its heartbeat names no db_version")
        return answer["db_version"], answer.get("access_controlled_batch_ids", [])

    def _open(self, heartbeat: tuple[str, list[str]]) -> Any:
        """Rester of mp-api; its own heartbeat has neither time-out nor retries, so ours is used."""
        from mp_api.client.routes.materials.summary import SummaryRester

        class Summary(SummaryRester):
            _get_heartbeat_info = staticmethod(lambda endpoint: heartbeat)  # type: ignore[assignment]
            # the property builds the schema of the document anew for each field of each page
            available_fields: ClassVar[list[str]] = list(SummaryRester.document_model.model_fields)

        return Summary(
            api_key=os.environ[VARIABLE],
            endpoint=self._endpoint,
            session=self._session,
            use_document_model=False,  # a newer server may send what this version does not know
            mute_progress_bars=True,
        )

    def _page(self, search: Search, number: int, size: int) -> Page:
        try:
            documents = self._summary.search(
                **_with_enums(search),
                fields=list(FIELDS),
                chunk_size=size,
                num_chunks=1,
                _page=number,
                _sort_fields="material_id",
            )
        except (KeyError, TypeError) as error:
            if isinstance(self._session.answer.get("data"), list):
                raise
            raise TransientError("an answer without data") from error
        total = self._session.answer.get("meta", {}).get("total_doc")
        if not isinstance(total, int) or len(documents) != min(size, total - (number - 1) * size):
            raise TransientError("a page that is not whole")
        more = number * size < total
        return Page(
            cast("list[dict[str, Any]]", documents), total, str(number + 1) if more else None
        )


def client_version() -> str:
    """Name and version of the package that talks to the server."""
    return f"mp-api {version('mp-api')}"


def _with_enums(search: Search) -> Search:
    """Arguments with the enumerations that the client wants instead of words."""
    from emmet.core.symmetry import CrystalSystem
    from pymatgen.analysis.magnetism.analyzer import Ordering

    found = dict(search)
    if "crystal_system" in found:
        found["crystal_system"] = CrystalSystem(found["crystal_system"].capitalize()).value
    if "magnetic_ordering" in found:
        found["magnetic_ordering"] = Ordering(found["magnetic_ordering"])
    return found


def _refusal(endpoint: str, error: RefusedError) -> SettingsError:
    """Error for a request that the server will not answer."""
    if error.status in {401, 403}:
        return SettingsError(
            f"the Materials Project refuses the key in {VARIABLE} (status {error.status}); copy it "
            f"again from {KEYS}"
        )
    if error.status == 404:
        return SettingsError(f"endpoint={endpoint!r} is no Materials Project: {error}")
    return SettingsError(
        f"the Materials Project does not take this query (status {error.status}): {error}"
    )
