"""A loopback provider that speaks OPTIMADE 1.x, as the specification's examples show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson

from tests.sources.fake_mp import Fault, Handler

LATTICE = [[0.0, 2.8, 2.8], [2.8, 0.0, 2.8], [2.8, 2.8, 0.0]]


def species(name: str, *symbols: str, concentration: tuple[float, ...] = (1.0,)) -> dict[str, Any]:
    return {"name": name, "chemical_symbols": list(symbols), "concentration": list(concentration)}


def structure(identifier: str, **changes: Any) -> dict[str, Any]:
    """Rocksalt NaCl, with changes to its attributes."""
    attributes = {
        "lattice_vectors": LATTICE,
        "cartesian_site_positions": [[0.0, 0.0, 0.0], [2.8, 2.8, 2.8]],
        "species": [species("Na", "Na"), species("chlorine", "Cl")],
        "species_at_sites": ["Na", "chlorine"],
        "structure_features": [],
        "dimension_types": [1, 1, 1],
        "elements": ["Cl", "Na"],
        "_fake_gap": 5.0,
    }
    return {"id": identifier, "type": "structures", "attributes": {**attributes, **changes}}


def scaled(factor: float) -> dict[str, Any]:
    """Cell and positions for another lattice constant."""
    return {
        "lattice_vectors": [[factor * x for x in row] for row in LATTICE],
        "cartesian_site_positions": [[0.0] * 3, [2.8 * factor] * 3],
    }


@dataclass
class Provider:
    """State of the server."""

    structures: list[dict[str, Any]]
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    version: str | None = "2026-11"
    link_as_object: bool = False  # JSON:API allows both
    promised: int | None = None  # in data_returned, instead of the right number
    url: str = ""

    def fault(self, path: str) -> Fault | None:
        """Take the next fault that is meant for a path."""
        for fault in self.faults:
            if path.startswith(fault.path) and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def answer(self, path: str, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a request."""
        meta: dict[str, Any] = {"api_version": "1.2.0", "more_data_available": False}
        if self.version:
            meta["database"] = {"id": "fake", "version": self.version}
        if path == "/v1/info":
            return 200, {"data": {"type": "info"}, "meta": meta}
        if path != "/v1/structures":
            return 404, {"errors": [{"detail": "Not Found"}]}
        if "HAS" not in query.get("filter", "HAS"):
            return 400, {"errors": [{"detail": "Unable to parse filter"}]}
        start, size = int(query.get("page_offset", 0)), int(query["page_limit"])
        fields = set(query["response_fields"].split(","))
        data = [
            {**one, "attributes": {k: v for k, v in one["attributes"].items() if k in fields}}
            for one in self.structures[start : start + size]
        ]
        meta["data_returned"] = self.promised or len(self.structures)
        following = None
        if start + size < len(self.structures):
            following = f"{self.url}v1/structures?" + urlencode(
                {**query, "page_offset": str(start + size)}
            )
            if self.link_as_object:
                following = {"href": following}  # type: ignore[assignment]
        return 200, {"data": data, "meta": meta, "links": {"next": following}}


class ProviderHandler(Handler):
    """One connection."""

    def do_GET(self) -> None:  # noqa: N802  the name that the base class calls
        provider: Any = self.service
        parts = urlsplit(self.path)
        provider.requests.append(self.path)
        fault = provider.fault(parts.path)
        if fault is not None:
            self.reply(fault.status, fault.body, fault.headers)
            return
        status, answer = provider.answer(parts.path, dict(parse_qsl(parts.query)))
        self.reply(status, orjson.dumps(answer))
