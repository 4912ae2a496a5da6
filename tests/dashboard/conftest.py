"""A small finished run: real writer and artifacts, records made by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ase.data import atomic_numbers
from streamlit import config
from streamlit.testing.v1 import AppTest

from dashboard.launch import APP, serving
from screen.core.crystal import Crystal
from screen.core.pairs import (
    degenerate_pairs,
    heat_capacities,
    pair_factors,
    shared_coherences,
)
from screen.core.protocols import ModelIdentity, StageInputs
from screen.core.records import (
    Bands,
    Candidate,
    Conductivity,
    Execution,
    Expansion,
    Failure,
    FitQuality,
    ForceConstants,
    Metadata,
    Outcome,
    Phonons,
    Record,
    Rejected,
    Relaxed,
)
from screen.core.settings import Protocol, protocol_named
from screen.properties import conductivity, expansion, stability
from screen.store.artifacts import Artifacts
from screen.store.database import Writer
from screen.store.layout import artifacts_folder

from .chromium import ARGUMENTS, CHROMIUM, VIEWPORT, Watched
from .reading import OpenPage, checked

if TYPE_CHECKING:
    from playwright.sync_api import Browser

PROTOCOL = protocol_named("quick")
MODEL = ModelIdentity("mace", "mace-mpa-0", "0f" * 12, "float64", "mace-torch", "0.3.14")
MODEL_DIGEST = "5a" * 12
PROPERTIES: dict[str, ModuleType] = {
    "stability": stability,
    "conductivity": conductivity,
    "expansion": expansion,
}
COLUMNS = {name: module.COLUMNS for name, module in PROPERTIES.items()}
STAGES = ("relax", "fc2_forces", "fc2", "stability", "fc3_forces", "fc3", *PROPERTIES)

_FCC = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
_SHIFT = {"rocksalt": 0.5, "zincblende": 0.25}
_GROUP = {"rocksalt": 225, "zincblende": 216}


@dataclass(frozen=True)
class Recipe:
    """One material of the run and what becomes of it."""

    cation: str
    anion: str
    prototype: str
    a: float  # Å
    kappa: float  # W/m/K at 300 K
    alpha: float  # 1/K at high temperature
    highest: float  # THz
    fails_at: str | None = None
    temperatures: tuple[float, ...] = PROTOCOL.temperatures

    @property
    def id(self) -> str:
        return f"{self.cation}{self.anion}-{'rs' if self.prototype == 'rocksalt' else 'zb'}"


RECIPES = (
    Recipe("Li", "Br", "rocksalt", 5.51, 1.8, 5.0e-5, 9.0),
    Recipe("Mg", "O", "rocksalt", 4.25, 55.0, 1.1e-5, 21.0),
    Recipe("Rb", "F", "rocksalt", 5.67, 1.9, 4.0e-5, 8.5),
    Recipe("Si", "C", "zincblende", 4.38, 430.0, 2.6e-6, 29.0),
    Recipe("Ga", "As", "zincblende", 5.75, 32.0, 6.0e-6, 8.4),
    Recipe("Na", "Cl", "rocksalt", 5.69, 6.2, 4.2e-5, 7.5, fails_at="conductivity"),
    Recipe("Cs", "F", "rocksalt", 6.11, 0.5, 3.0e-5, 5.0, fails_at="stability"),
)
PENDING = Recipe("Ag", "Cl", "rocksalt", 5.59, 0.5, 3.0e-5, 5.0)


def crystal_of(recipe: Recipe) -> Crystal:
    """Conventional cell of rocksalt or zincblende."""
    cations = np.array(_FCC)
    numbers = [atomic_numbers[recipe.cation]] * 4 + [atomic_numbers[recipe.anion]] * 4
    fractional = np.concatenate([cations, cations + _SHIFT[recipe.prototype]]) % 1
    return Crystal(recipe.a * np.eye(3), np.array(numbers), fractional)


def candidate_of(recipe: Recipe) -> Candidate:
    return Candidate(
        recipe.id,
        "benchmark",
        crystal_of(recipe),
        metadata=Metadata(
            prototype=recipe.prototype,
            mp_id="mp-23259",
            kappa_reference_300=1.15 * recipe.kappa,
            reference="phononDB-PBE, arXiv:2408.00755",
            licence="CC BY 4.0",
        ),
    )


def relaxed_of(recipe: Recipe) -> Relaxed:
    group = _GROUP[recipe.prototype]
    return Relaxed(crystal_of(recipe), -27.0, np.zeros((3, 3)), 4e-5, group, group, 17, True)


def mesh_frequencies(recipe: Recipe, n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """q on an n×n×n mesh, (nq, 3), and three acoustic and three optical bands, (nq, 6) THz."""
    axis = np.arange(n) / n - (n // 2) / n
    q = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    return q, bands_at(q, recipe.highest)


def bands_at(q: np.ndarray, highest: float) -> np.ndarray:
    """A diatomic lattice in one formula: acoustic |sin|, optical nearly flat; (nq, 6) THz."""
    wave = np.sqrt((np.sin(np.pi * q) ** 2).sum(axis=1) / 3)
    acoustic = highest * wave[:, None] * np.array([0.35, 0.42, 0.6])
    optical = highest * (1 - 0.25 * wave[:, None] * np.array([1.0, 0.8, 0.3]) - [0.15, 0.12, 0])
    return np.concatenate([acoustic, optical], axis=1)


def phonons_of(recipe: Recipe, imaginary: bool = False) -> Phonons:
    q, frequencies = mesh_frequencies(recipe)
    bands = bands_of(recipe.highest)
    if imaginary:
        frequencies = frequencies - np.array([0.8, 0, 0, 0, 0, 0])
        bands = replace(bands, frequencies=bands.frequencies - [0.8, 0, 0, 0, 0, 0])
    return Phonons(
        mesh=np.array([4, 4, 4]),
        q=q,
        weights=np.ones(len(q), dtype=int),
        frequencies=frequencies,
        velocities=np.zeros((*frequencies.shape, 3)),
        bands=bands,
        min_frequency=float(frequencies.min()),
        min_acoustic_gamma=-0.8 if imaginary else 0.0,
        imaginary=imaginary,
    )


def bands_of(highest: float) -> Bands:
    """Γ–X–U|K–Γ, as for a face-centred cubic crystal; segments share their borders."""
    gamma, x = np.zeros(3), np.array([0.5, 0, 0.5])
    u, k = np.array([0.625, 0.25, 0.625]), np.array([0.375, 0.375, 0.75])
    segments = [np.linspace(a, b, 31) for a, b in ((gamma, x), (x, u), (k, gamma))]
    lengths = np.array([1.0, 0.35, 1.06])
    starts = np.concatenate([[0], lengths.cumsum()])
    distances = [
        start + np.linspace(0, length, 31) for start, length in zip(starts, lengths, strict=False)
    ]
    q = np.concatenate(segments)
    return Bands(q, np.concatenate(distances), bands_at(q, highest), starts, ("Γ", "X", "U|K", "Γ"))


def conductivity_of(recipe: Recipe) -> Conductivity:
    """κ_P ∝ 1/T mode by mode; at 300 K coherences are 5 % of κ."""
    q, frequencies = mesh_frequencies(recipe)
    grid = np.array(recipe.temperatures)
    volume = recipe.a**3 / 4
    widths = 2e-3 * frequencies**2 / recipe.highest * (1 + 0.5 * np.cos(7 * q.sum(axis=1)))[:, None]
    heat = np.array([heat_capacities(frequencies, T) for T in (300.0, *grid)])
    cooled = np.divide(heat, heat[:1], out=np.zeros_like(heat), where=heat[:1] > 0)
    linewidths = widths * cooled[1:] * grid[:, None, None] / 300
    squares = np.where(np.arange(6) < 3, 1.0, 0.2) * np.eye(6) * np.ones((len(q), 1, 1))
    at_300 = pair_factors(frequencies, widths, 300.0, volume)
    squares *= 0.95 * recipe.kappa * len(q) / (squares * at_300).sum()
    coherent = ~degenerate_pairs(frequencies) * np.ones((len(q), 6, 6))
    coherent *= 0.05 * recipe.kappa * len(q) / (coherent * at_300).sum()
    pairs_p, pairs_c = (
        np.array(
            [
                part * pair_factors(frequencies, linewidths[index], T, volume)
                for index, T in enumerate(grid)
            ]
        )
        for part in (squares, coherent)
    )
    shared = np.array([shared_coherences(*item) for item in zip(pairs_c, heat[1:], strict=True)])
    eye = np.eye(3) / len(q)
    return Conductivity(
        temperatures=grid,
        kappa_p=pairs_p.sum(axis=(1, 2, 3))[:, None, None] * eye,
        kappa_c=pairs_c.sum(axis=(1, 2, 3))[:, None, None] * eye,
        mesh=np.array([4, 4, 4]),
        q=q,
        weights=np.ones(len(q), dtype=int),
        frequencies=frequencies,
        linewidths=linewidths,
        mode_kappa=pairs_p.sum(axis=-1) + shared,
        pair_velocities=squares + coherent,
        volume=volume,
        solver="phono3py",
        solver_version="4.10.0",
        isotopes=True,
        nac=False,
    )


def expansion_of(recipe: Recipe) -> Expansion:
    q, frequencies = mesh_frequencies(recipe)
    grid = np.array(recipe.temperatures)
    curve = 1 / (1 + (170 / grid) ** 2)
    return Expansion(
        temperatures=grid,
        alpha=np.outer(recipe.alpha * curve, [1, 1, 1, 0, 0, 0]),
        heat_capacity=5.17e-4 * curve,
        gruneisen=np.full(len(grid), 1.6),
        mesh=np.array([4, 4, 4]),
        q=q,
        weights=np.ones(len(q), dtype=int),
        frequencies=frequencies,
        mode_gruneisen=np.full((*frequencies.shape, 6), 1.6),
        stiffness=np.diag([65.0] * 6),
        elastic_residual=0.01,
        volume=recipe.a**3 / 4,
    )


def records_of(recipe: Recipe) -> dict[str, Record]:
    """What the stages gave before and beside the failure."""
    unstable = recipe.fails_at == "stability"
    records: dict[str, Record] = {
        "relax": relaxed_of(recipe),
        "stability": phonons_of(recipe, imaginary=unstable),
    }
    if not unstable:
        records["expansion"] = expansion_of(recipe)
        if recipe.fails_at != "conductivity":
            records["conductivity"] = conductivity_of(recipe)
    return records


def fitted(candidate: Candidate) -> ForceConstants:
    """Force constants from a good fit; their values are not shown."""
    unit, quality = np.eye(3, dtype=int), FitQuality(16, 758, 1536, 7.4, 1e-5, 0.008)
    return ForceConstants(candidate.crystal, unit, unit, unit, np.zeros((1, 1, 3, 3)), fit=quality)


def outcome_of(recipe: Recipe, artifacts: Artifacts, protocol: Protocol = PROTOCOL) -> Outcome:
    """Write the records and return the outcome, with the rows that the properties make of them."""
    candidate, records = candidate_of(recipe), records_of(recipe)
    keys = dict.fromkeys(records, candidate.crystal.digest)
    for stage, record in records.items():
        artifacts.write(stage, keys[stage], record)
    inputs = StageInputs(candidate, protocol, {**records, "fc3": fitted(candidate)})
    rows = {
        name: dict(module.row(inputs, records[name]))
        for name, module in PROPERTIES.items()
        if name in records
    }
    return Outcome(
        material_id=recipe.id,
        crystal_digest=candidate.crystal.digest,
        model_digest=MODEL_DIGEST,
        protocol_digest=protocol.digest,
        rows=rows,
        failures=_failures(recipe, records, inputs),
        artifacts=keys,
        executions=tuple(_executions(recipe, records)),
        versions={"phono3py": "4.10.0", "phonopy": "4.4.0"},
    )


def _failures(
    recipe: Recipe, records: dict[str, Record], inputs: StageInputs
) -> tuple[Failure, ...]:
    if recipe.fails_at == "conductivity":
        message = "the conductivity is not finite at 100 K: mesh 4×4×4 is too coarse"
        return (Failure("conductivity", "transport", message, "Traceback: solver.py, line 7"),)
    found = stability.gate(inputs, records["stability"])
    return () if found is None else (found,)


def _executions(recipe: Recipe, records: dict[str, Record]) -> Iterator[Execution]:
    for index, stage in enumerate(STAGES):
        if stage in records or not recipe.fails_at:
            seconds = 3.0 + 12.0 * index
            yield Execution(
                execution_id=f"{recipe.id}-{stage}",
                artifact="ab" * 12,
                stage=stage,
                material_id=recipe.id,
                wall_s=seconds,
                cpu_s=0.9 * seconds,
                peak_mb=512.0,
                evaluations=7 * index,
                atoms=448 * index,
                started_at="2026-03-01T12:00:00+00:00",
                host="node-3",
                pid=4711,
            )


def write_run(run: Path, recipes: Sequence[Recipe] = RECIPES) -> Path:
    """Write a run folder with one snapshot."""
    artifacts = Artifacts(artifacts_folder(run))
    rejected = Rejected("broken.cif", "files", "unreadable_file", "no atoms in broken.cif")
    with Writer(run, COLUMNS) as writer:
        writer.add_candidates([*(candidate_of(item) for item in (*recipes, PENDING)), rejected])
        writer.add_model(MODEL_DIGEST, MODEL)
        writer.add_protocol(PROTOCOL)
        writer.upsert([outcome_of(item, artifacts) for item in recipes])
        writer.upsert([_rejection(rejected)])
        writer.publish()
    return run


def _rejection(entry: Rejected) -> Outcome:
    failure = Failure("source", entry.kind, entry.message)
    return Outcome(entry.id, None, MODEL_DIGEST, PROTOCOL.digest, {}, (failure,), {}, (), {})


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished run; tests only read it."""
    return write_run(tmp_path_factory.mktemp("runs") / "demo")


@pytest.fixture(autouse=True)
def _own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Undo what AppTest does: it leaves the page as ``__main__``, which spawned processes import."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True, scope="session")
def _loopback() -> None:
    """Say where the server listens, which AppTest has none of: elsewhere nothing is shown."""
    config.set_option("server.address", "127.0.0.1")


@pytest.fixture
def named_run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path | None], None]:
    """Name a run on the command line, as ``streamlit run app.py -- --run RUN`` does."""

    def name(folder: Path | None) -> None:
        arguments = [] if folder is None else ["--run", str(folder)]
        monkeypatch.setattr(sys, "argv", ["app.py", *arguments])

    return name


@pytest.fixture
def page(run: Path, named_run: Callable[[Path | None], None]) -> OpenPage:
    """Open a page of the finished run, or of ``folder``."""

    def open_page(name: str, folder: Path | None = run, **query: str) -> AppTest:
        named_run(folder)
        app = AppTest.from_file(str(APP), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(f"views/{name}.py")
        return checked(app.run())

    return open_page


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed", exc_type=ImportError
    )
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def address(run: Path) -> Iterator[str]:
    """A server that shows the finished run."""
    with serving(run) as url:
        yield url


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture
def watched(browser: Browser, address: str, pictures: Path) -> Iterator[Watched]:
    """A fresh window on the finished run."""
    context = browser.new_context(viewport=VIEWPORT, color_scheme="light")
    yield Watched(context.new_page(), address, pictures)
    context.close()
