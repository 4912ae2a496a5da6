"""A loopback stand-in for the API of the Materials Project, for its real client.

It serves ``GET /heartbeat`` and ``GET /materials/summary/`` with the filters, the projection and
the pages that mp-api 0.46 asks for, answers as the real one does (FastAPI behind the gateway Kong),
and fails on demand. ``python -m tests.sources.fake_mp N DELAY`` serves until it is killed.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from ase.data import atomic_numbers

KEY = "0123456789abcdef0123456789ABCDEF"
DB_VERSION = "2026.9.1"
LARGEST_PAGE = 1000
LONGEST_LIST = 60
RANGES = ("band_gap", "energy_above_hull", "nsites", "nelements")
COUNTS = ("nsites", "nelements")
FLAGS = ("theoretical", "deprecated")

FCC = [[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
CUBIC = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
PROTOTYPES = {  # cell in units of a, position of the anion, a in Å, space group
    "rocksalt": (FCC, 0.5, 5.6, 225, "Fm-3m"),
    "zincblende": (FCC, 0.25, 6.0, 216, "F-43m"),
    "caesium chloride": (CUBIC, 0.5, 3.6, 221, "Pm-3m"),
}
METALS = "Li Na K Rb Cs Be Mg Ca Sr Ba Sc Y La Ti Zr Hf V Nb Ta Cr Mo W Mn Fe Co Ni Cu Zn Al Ga"
OTHERS = "O S Se Te F Cl Br I N P As Sb Bi C Si Ge Sn Pb H B Ag Au Cd Hg In Tl Pd Pt"


def document(index: int, cation: str, anion: str, prototype: str) -> dict[str, Any]:
    """Document of one compound, with the fields that a summary has and some that nobody wants."""
    cell, position, a, number, symbol = PROTOTYPES[prototype]
    a *= 1 + (atomic_numbers[cation] + atomic_numbers[anion]) / 1000
    sites = [
        {"species": [{"element": element, "occu": 1}], "abc": [x] * 3, "properties": {}}
        for element, x in ((cation, 0.0), (anion, position))
    ]
    return {
        "material_id": f"mp-{1000 + index}",
        "formula_pretty": f"{cation}{anion}",
        "elements": sorted((cation, anion)),
        "nelements": 2,
        "nsites": 2,
        "structure": {
            "@module": "pymatgen.core.structure",
            "@class": "Structure",
            "charge": 0,
            "lattice": {"matrix": [[a * x for x in row] for row in cell]},
            "sites": sites,
        },
        "symmetry": {"crystal_system": "Cubic", "symbol": symbol, "number": number},
        "band_gap": index % 7 * 0.5,
        "energy_above_hull": index % 5 * 0.01,
        "ordering": "NM",
        "theoretical": index % 3 == 0,
        "deprecated": False,
        "builder_meta": {"license": "BY-C", "batch_id": None, "emmet_version": "0.87.3"},
        "last_updated": "2026-09-01T00:00:00+00:00",
        "origins": [],
        "warnings": [],
    }


def documents(count: int) -> list[dict[str, Any]]:
    """So many different binary compounds, 2,520 at most."""
    found = [
        document(index, cation, anion, prototype)
        for index, (prototype, cation, anion) in enumerate(
            product(PROTOTYPES, METALS.split(), OTHERS.split())
        )
    ]
    assert count <= len(found)
    return found[:count]


@dataclass
class Fault:
    """What goes wrong with the next requests for documents (or heartbeats)."""

    status: int = 200
    body: bytes = b'{"detail": "injected"}'
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0  # s before the answer
    reset: bool = False  # the connection is torn in the middle of the answer
    path: str = "/materials"
    times: int = 1


@dataclass
class Service:
    """State of the server: documents, faults to come, requests so far."""

    documents: list[dict[str, Any]]
    keys: frozenset[str] = frozenset({KEY})
    ignored: frozenset[str] = frozenset()  # filters that the server does not apply
    faults: list[Fault] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    db_version: str = DB_VERSION
    delay: float = 0.0  # s before every page
    url: str = ""
    arrange: Callable[[list[dict[str, Any]], int], list[dict[str, Any]]] = lambda found, _: found
    lock: Lock = field(default_factory=Lock)

    @property
    def pages(self) -> list[Mapping[str, str]]:
        """Queries for documents so far."""
        return [item["query"] for item in self.requests if item["path"].startswith("/materials")]

    def fault(self, path: str) -> Fault | None:
        """Take the next fault that is meant for a path."""
        with self.lock:
            for fault in self.faults:
                if path.startswith(fault.path) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def matching(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Documents that fit a query; KeyError for a parameter that the API does not have."""
        found = self.documents
        for name, value in query.items():
            if not name.startswith("_"):
                holds = condition(name, value)
                if name not in self.ignored:
                    found = [document for document in found if holds(document)]
        if query.get("_sort_fields") == "material_id":
            return sorted(found, key=lambda document: document["material_id"])
        return found


def condition(name: str, value: str) -> Callable[[dict[str, Any]], bool]:
    """Filter of a parameter."""
    stem, _, end = name.rpartition("_")
    if end in {"min", "max"} and stem in RANGES:
        limit = int(value) if stem in COUNTS else float(value)
        return lambda document: (
            document[stem] is not None
            and (document[stem] >= limit if end == "min" else document[stem] <= limit)
        )
    if name in FLAGS:
        return lambda document: document[name] is (value.lower() == "true")
    symbols = set(value.split(","))
    if name in {"elements", "exclude_elements"} and len(value) > LONGEST_LIST:
        raise ValueError(f"{name}: String should have at most {LONGEST_LIST} characters")
    filters: dict[str, Callable[[dict[str, Any]], bool]] = {
        "elements": lambda document: symbols <= set(document["elements"]),
        "exclude_elements": lambda document: not symbols & set(document["elements"]),
        "crystal_system": lambda document: document["symmetry"]["crystal_system"] == value,
        "spacegroup_number": lambda document: document["symmetry"]["number"] == int(value),
        "ordering": lambda document: document["ordering"] == value,
        "batch_id_not_eq": lambda document: document["builder_meta"]["batch_id"] != value,
    }
    return filters[name]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    service: Service

    def log_message(self, *_: Any) -> None:
        """Be silent."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        with self.service.lock:
            self.service.requests.append(
                {"path": parts.path, "query": query, "key": self.headers.get("x-api-key")}
            )
        fault = self.service.fault(parts.path)
        if fault is not None:
            time.sleep(fault.delay)
            if fault.reset:
                self.tear()
            else:
                self.reply(fault.status, fault.body, fault.headers)
        elif parts.path.rstrip("/") == "/heartbeat":
            found = {"status": "OK", "version": "0.87.3", "db_version": self.service.db_version}
            self.reply(200, orjson.dumps(found | {"access_controlled_batch_ids": []}))
        elif parts.path.rstrip("/") == "/materials/summary":
            self.search(query)
        else:
            self.reply(404, b'{"detail": "Not Found"}')

    def search(self, query: Mapping[str, str]) -> None:
        service = self.service
        if self.headers.get("x-api-key") not in service.keys:
            key = self.headers.get("x-api-key")
            self.reply(401, orjson.dumps({"message": f"Unauthorized: no such key {key}"}))
            return
        size = int(query.get("_per_page") or query.get("_limit") or 100)
        if size > LARGEST_PAGE:
            self.reply(400, b'{"detail": "The max limit is 1000 entries"}')
            return
        try:
            found = service.matching(query)
        except KeyError as error:
            message = f"Request contains query parameters which cannot be used: {error.args[0]}"
            self.reply(400, orjson.dumps({"detail": message}))
            return
        except ValueError as error:
            detail = [{"loc": ["query", "elements"], "msg": str(error)}]
            self.reply(422, orjson.dumps({"detail": detail}))
            return
        time.sleep(service.delay)
        number = int(query.get("_page", 1))
        page = service.arrange(found, number)[(number - 1) * size : number * size]
        fields = query["_fields"].split(",")
        data = [{name: item[name] for name in fields if name in item} for item in page]
        meta = {"total_doc": len(found), "max_limit": LARGEST_PAGE, "api_version": "0.87.3"}
        self.reply(200, orjson.dumps({"data": data, "errors": [], "meta": meta}))

    def reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def tear(self) -> None:
        """Promise more than is sent, and reset the connection."""
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b'{"data": [')
        self.wfile.flush()
        linger = struct.pack("ii", 1, 0)  # closing sends RST instead of FIN
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True


@contextmanager
def serving(service: Any, handler: type[BaseHTTPRequestHandler] = Handler) -> Iterator[Any]:
    """Serve on a free port of the loopback interface; ``service.url`` says where."""
    bound = type("Bound", (handler,), {"service": service})
    with ThreadingHTTPServer(("127.0.0.1", 0), bound) as server:
        server.daemon_threads = True
        server.block_on_close = False
        server.handle_error = lambda *_: None  # type: ignore[method-assign]  a client that hung up
        service.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    with serving(Service(documents(int(sys.argv[1])), delay=float(sys.argv[2]))) as service:
        print(service.url, flush=True)
        time.sleep(3600)
