"""Every source adapter: candidates are crystals with unique ids, in an order that repeats."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from screen.core import registry
from screen.core.catalogs import catalog_path
from screen.core.errors import SettingsError
from screen.core.protocols import SourceModule
from screen.core.records import Candidate, Rejected
from screen.sources.catalog import pull_from, write
from tests.sources import fake_mp, fake_optimade

Options = Mapping[str, Any]


@contextmanager
def benchmark(_: Path) -> Iterator[Options]:
    yield {}


@contextmanager
def files(_: Path) -> Iterator[Options]:
    yield {"path": str(catalog_path("examples"))}


@contextmanager
def catalog(folder: Path) -> Iterator[Options]:
    with (folder / "examples.parquet").open("wb") as handle:
        write(pull_from("files", {"path": str(catalog_path("examples"))}, print, False), handle)
    yield {"file": folder / "examples.parquet"}


@contextmanager
def materials_project(_: Path) -> Iterator[Options]:
    with fake_mp.serving(fake_mp.Service(fake_mp.documents(6))) as service:
        yield {"endpoint": service.url}


@contextmanager
def optimade(_: Path) -> Iterator[Options]:
    cells = (
        fake_optimade.structure(f"id-{n}", **fake_optimade.scaled(1 + n / 10)) for n in range(3)
    )
    provider = fake_optimade.Provider(list(cells))
    with fake_mp.serving(provider, fake_optimade.ProviderHandler) as service:
        yield {"base_url": service.url}


# Options with which a source gives at least two candidates without a network.
OPTIONS: Mapping[str, Callable[[Path], AbstractContextManager[Options]]] = {
    function.__name__: function
    for function in (benchmark, files, catalog, materials_project, optimade)
}


@pytest.fixture(params=registry.names("sources"))
def source(request, monkeypatch, tmp_path) -> Iterator[tuple[str, SourceModule, Options]]:
    name = request.param
    assert name in OPTIONS, f"add options for source {name!r} to OPTIONS in {__file__}"
    monkeypatch.setenv("MP_API_KEY", fake_mp.KEY)
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path))
    with OPTIONS[name](tmp_path) as options:
        yield name, registry.find("sources", name), options


def fingerprint(item: Candidate | Rejected) -> tuple[str, ...]:
    if isinstance(item, Rejected):
        return (item.id, item.kind, item.message)
    hints = (item.hints.fc2_supercell, item.hints.fc3_supercell, item.hints.mesh)
    return (item.id, item.source, item.crystal.digest, repr(hints), repr(item.metadata))


def test_a_source_gives_candidates_that_carry_its_name(source):
    name, module, options = source
    items = list(islice(module.candidates(options), 5))
    assert len(items) >= 2
    assert all(isinstance(item, Candidate | Rejected) and item.source == name for item in items)
    assert any(isinstance(item, Candidate) for item in items)


def test_ids_are_unique(source):
    _, module, options = source
    ids = [item.id for item in module.candidates(options)]
    assert len(ids) == len(set(ids))


def test_crystals_have_atoms_at_sane_density_and_read_only_arrays(source):
    _, module, options = source
    for item in module.candidates(options):
        if isinstance(item, Candidate):
            assert 2 < item.crystal.volume / len(item.crystal) < 100  # Å³ per atom
            assert not item.crystal.lattice.flags.writeable


def test_hints_are_supercell_matrices_and_meshes(source):
    _, module, options = source
    for item in module.candidates(options):
        if isinstance(item, Candidate):
            for matrix in (item.hints.fc2_supercell, item.hints.fc3_supercell):
                assert matrix is None or (matrix.shape == (3, 3) and np.linalg.det(matrix) > 0.5)
            mesh = item.hints.mesh
            assert mesh is None or (mesh.shape == (3,) and mesh.min() >= 1)


def test_asking_twice_gives_the_same(source):
    _, module, options = source
    first, second = (
        [fingerprint(item) for item in islice(module.candidates(options), 20)] for _ in range(2)
    )
    assert first == second


def test_a_limit_gives_the_first_entries(source):
    _, module, options = source
    everything = [fingerprint(item) for item in islice(module.candidates(options), 3)]
    limited = [fingerprint(item) for item in module.candidates({**options, "limit": 2})]
    assert limited == everything[:2]


@pytest.mark.parametrize("limit", [0, -1, 2.5, "3", True])
def test_a_limit_that_is_no_positive_integer_is_refused(source, limit):
    _, module, options = source
    with pytest.raises(SettingsError, match=f"limit={limit!r}"):
        module.candidates({**options, "limit": limit})


def test_an_unknown_option_is_refused_at_once_and_the_near_one_named(source):
    _, module, options = source
    with pytest.raises(SettingsError, match=r"'limits'.*did you mean limit\?"):
        module.candidates({**options, "limits": 2})
