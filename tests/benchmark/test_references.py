"""Mode-resolved references: those published, wherever they come from."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from screen.benchmark import references
from screen.benchmark.references import WITH_NAC, WITHOUT_NAC, read_references
from screen.core.catalogs import catalog_path
from screen.core.errors import CatalogError
from screen.physics.metrics import microscopic_error
from tests.shared import shared_path


@pytest.fixture
def folder() -> Path:
    return shared_path(f"phonondb/{WITHOUT_NAC.name}").parent


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and no shared folder."""
    monkeypatch.delenv("THERMOSCREEN_SHARED", raising=False)
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "references"


@pytest.fixture
def server(folder: Path) -> Iterator[str]:
    """The public repository, on the loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}/"
        found.shutdown()


@pytest.mark.parametrize(
    ("nac", "column"), [(False, "kappa_reference_300"), (True, "kappa_reference_nac_300")]
)
def test_modes_sum_to_the_conductivity_of_the_catalog(folder: Path, nac: bool, column: str) -> None:
    """Σ over modes of ``mode_kappa_TOT_ave`` against ``kappa_TOT_ave``, 1e-6 as both are rounded."""
    found = read_references(folder, nac)
    with catalog_path("phonondb_pbe_103.csv").open(encoding="utf-8") as handle:
        rows = {row["id"]: row for row in csv.DictReader(handle)}
    assert found.keys() == rows.keys()
    for compound, reference in found.items():
        assert reference.kappa_300 == pytest.approx(float(rows[compound][column]), rel=1e-6)
        mesh = rows[compound]["q_mesh"].split()
        assert reference.weights.sum() == np.prod([int(n) for n in mesh])


def test_the_correction_alone_moves_the_error_by_what_was_measured(folder: Path) -> None:
    """SRME of the references with NAC against those without: 0.058 on average (../shared/DESIGN.md)."""
    plain, corrected = read_references(folder), read_references(folder, nac=True)
    errors = [
        microscopic_error(corrected[name].mode_kappa, plain[name].mode_kappa, plain[name].weights)
        for name in plain
    ]
    assert np.mean(errors) == pytest.approx(0.058, abs=5e-4)


def test_the_shared_folder_is_used(
    folder: Path, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THERMOSCREEN_SHARED", str(folder.parents[1]))
    assert len(read_references()) == 103
    assert not nowhere.exists()


def test_the_first_need_fetches_and_the_second_does_not(
    server: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "WITHOUT_NAC", replace(WITHOUT_NAC, address=server))
    assert len(read_references()) == 103
    assert [path.name for path in nowhere.iterdir()] == [WITHOUT_NAC.name]
    monkeypatch.setattr(
        references, "WITHOUT_NAC", replace(WITHOUT_NAC, address="http://0.0.0.0:1/")
    )
    assert len(read_references()) == 103


def test_other_bytes_than_the_published_are_refused(
    server: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(WITHOUT_NAC, name=WITH_NAC.name, address=server)
    monkeypatch.setattr(references, "WITHOUT_NAC", other)
    with pytest.raises(CatalogError, match=r"cannot fetch .*SHA256.* or give its folder"):
        read_references()
    assert not list(nowhere.glob("*"))


def test_without_network_the_message_says_where_the_file_belongs(
    nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = replace(WITHOUT_NAC, address="http://127.0.0.1:1/")
    monkeypatch.setattr(references, "WITHOUT_NAC", closed)
    with pytest.raises(CatalogError, match=rf"cannot fetch .*; put the file into {nowhere}"):
        read_references()


def test_what_is_not_public_is_not_looked_for(nowhere: Path) -> None:
    with pytest.raises(CatalogError, match=rf"with NAC, is in no public .* put it into {nowhere}"):
        read_references(nac=True)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / WITHOUT_NAC.name).write_bytes(b"x")
    with pytest.raises(CatalogError, match="is not the published kappas_phononDB_PBE_noNAC"):
        read_references(tmp_path)


def test_a_folder_without_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=f"no {WITHOUT_NAC.name} in {tmp_path}"):
        read_references(tmp_path)
