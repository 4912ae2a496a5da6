"""Candidates of a catalog file, and how ``thermoscreen catalog pull`` writes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from screen.core import registry
from screen.core.errors import SettingsError
from screen.core.records import Candidate, Rejected
from screen.sources import _options, _where
from screen.sources._entries import Entry
from screen.sources._items import Item, candidate_of, item_of, told_apart
from screen.sources._parquet import read, read_provenance, write
from screen.sources._pull import Provenance, Pull, Watch, sifted

__all__ = ["Pull", "Watch", "candidates", "pull_from", "read_provenance", "write"]

SOURCE = "catalog"
OPTIONS = ("file", "where", "limit")
QUICK = 100  # entries of a quick look


def candidates(options: Mapping[str, Any]) -> Iterator[Candidate | Rejected]:
    """Yield the entries of a catalog in its order.

    Options: ``file`` (relative to the working directory), ``where`` (a filter, as for a pull),
    ``limit`` (first so many entries, rejected ones included).

    Raises
    ------
    SettingsError
        An option is unknown or wrong, or ``file`` is missing.
    CatalogError
        The file is missing or is no catalog.
    """
    _options.check_known(SOURCE, options, OPTIONS)
    file = options.get("file")
    if not isinstance(file, str | Path):
        raise SettingsError(f"source {SOURCE!r} needs file: a catalog such as insulators.parquet")
    conditions = _where.parse(SOURCE, options.get("where"))
    limit = _options.limit(SOURCE, options)
    path = Path(file).expanduser()
    read_provenance(path)
    wanted = (item for item in read(path) if _fits(item, conditions))
    return (candidate_of(item, SOURCE) for item in islice(wanted, limit))


def _fits(item: Item, conditions: tuple[_where.Condition, ...]) -> bool:
    """Whether a filter keeps an entry; one without a crystal is always kept, to be rejected."""
    return not isinstance(item.content, Entry) or _where.unmet(conditions, item.facts) is None


def pull_from(source: str, options: Mapping[str, Any], watch: Watch, quick: bool) -> Pull:
    """Pull from any source: databases have ``pull``, of others all candidates are taken.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    CatalogError
        The source cannot be read.
    """
    module = registry.find("sources", source)
    if hasattr(module, "pull"):
        found: Pull = module.pull(options, watch, quick)
        return found
    conditions = _where.parse(source, options.get("where"))
    own = {name: value for name, value in options.items() if name != "where"}
    entries = islice(module.candidates(own), QUICK if quick else None)
    items = [item_of(entry) for entry in entries]
    watch(len(items), len(items), "")
    kept, dropped = sifted(items, conditions)
    filters = tuple(str(condition) for condition in conditions)
    origin = Provenance(source, dict(options), filters, received=len(items), complete=not quick)
    return Pull(tuple(told_apart(kept)), dropped, origin)
