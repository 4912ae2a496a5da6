"""Pages follow a campaign that publishes meanwhile; nothing breaks, and the writer never waits."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle, product
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.launch import serving
from screen.store.artifacts import Artifacts
from screen.store.database import Writer, open_snapshot
from screen.store.layout import artifacts_folder, snapshots_folder

from .chromium import VIEWPORT, Watched, needs_browser
from .conftest import COLUMNS, PENDING, RECIPES, candidate_of, outcome_of, write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_browser

PAGES = {  # address, and a text that is there when the page is whole
    "": "Potentials and protocols",
    "insulators": "pass the filters",
    "material?id=LiBr-rs": "Provenance",
    "heat_spreaders": "pass the filters",
    "compare?materials=LiBr-rs,MgO-rs": "Numbers side by side",
    "regimes": "Where coherences carry most",
    "sql": "Units are those of the columns",
    "runs": "Versions",
}
KAPPAS = "SELECT count(*) AS number FROM conductivity"
NEW = [
    replace(PENDING, cation=cation, anion=anion)
    for cation, anion in product(
        ("Li", "Na", "K", "Rb", "Mg", "Ca", "Sr", "Ba", "Zn", "Cd"),
        ("H", "Cl", "I", "O", "S", "Se", "Te", "N", "P", "As", "Sb"),
    )
    if (cation, anion) not in {(recipe.cation, recipe.anion) for recipe in RECIPES}
]


@dataclass
class Campaign:
    """A writer in a process of its own, which publishes as pages are asked for."""

    process: BaseProcess
    asked: Synchronized[int]  # pages so far
    answers: Connection
    published: list[str] = field(default_factory=list)  # names of snapshots

    def ended(self) -> bool:
        """Collect what it has published; say whether that is all."""
        while self.answers.poll():
            try:
                self.published.append(self.answers.recv())
            except EOFError:
                return True
        return False


def write(
    run: Path, publishes: int, pages: int, asked: Synchronized[int], said: Connection
) -> None:
    """Add a material and publish, again and again, spread over the times that pages are asked for."""
    artifacts = Artifacts(artifacts_folder(run))
    with Writer(run, COLUMNS) as writer:
        for index, recipe in zip(range(publishes), NEW, strict=False):
            while asked.value * publishes <= index * pages:
                time.sleep(0.01)
            writer.add_candidates([candidate_of(recipe)])
            writer.upsert([outcome_of(recipe, artifacts)])
            said.send(writer.publish().name)


@contextmanager
def writing(run: Path, publishes: int, pages: int) -> Iterator[Campaign]:
    """Start a campaign; end it with the context."""
    spawned = multiprocessing.get_context("spawn")
    receiving, sending = spawned.Pipe(duplex=False)
    asked = spawned.Value("q", 0)
    process = spawned.Process(target=write, args=(run, publishes, pages, asked, sending))
    process.start()
    sending.close()
    try:
        yield Campaign(process, asked, receiving)
    finally:
        process.kill()
        process.join()


def opened(run: Path, *others: int) -> set[tuple[str, bool]]:
    """Return the files of a run that readers have open, and whether for writing.

    Parameters
    ----------
    others
        Processes that are no readers.
    """
    found = set()
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        if int(link.parts[2]) in others:
            continue
        try:
            target = link.readlink()
            flags = (link.parents[1] / "fdinfo" / link.name).read_text().split("flags:")[1].split()
        except (FileNotFoundError, ProcessLookupError, PermissionError):  # closed meanwhile
            continue
        if target.is_relative_to(run):
            writes = bool(int(flags[0], 8) & (os.O_WRONLY | os.O_RDWR))
            found.add((str(target.relative_to(run)).removesuffix(" (deleted)"), writes))
    return found


def check_following(
    run: Path, browser: Browser, pictures: Path, log: Path, publishes: int, pages: int
) -> None:
    """Load pages while a campaign publishes, and look at pages that have been open all the time."""
    context = browser.new_context(viewport=VIEWPORT)
    with serving(run, log=log) as url:
        overview, ranking, loaded = (
            Watched(context.new_page(), url, pictures) for _ in ("overview", "ranking", "loaded")
        )
        for left_open, address in ((overview, ""), (ranking, "insulators")):
            left_open.open(address)
            left_open.expect("There is no run folder")
            left_open.page.evaluate("window.neverReloaded = true")
        write_run(run)
        first = open_snapshot(run)
        before = first.query(KAPPAS).to_pylist()
        overview.expect("Snapshot 1, published")
        ranking.expect(PAGES["insulators"])
        files: set[tuple[str, bool]] = set()
        with writing(run, publishes, pages) as campaign:
            for number, (address, text) in enumerate(cycle(PAGES.items())):
                if campaign.ended() and number >= pages:
                    break
                campaign.asked.value = number + 1
                loaded.open(address)
                loaded.expect(text)
                for box in ("stException", "stAlertContentError"):
                    assert not loaded.page.locator(f"[data-testid={box}]").count(), address
                files |= opened(run, os.getpid(), int(campaign.process.pid or 0))
            campaign.process.join()

        # every snapshot was published, and no reader had anything open that the writer writes
        assert campaign.process.exitcode == 0
        assert campaign.published == [f"view-{2 + i:06d}.duckdb" for i in range(publishes)]
        assert files
        assert not any(writes for _, writes in files)
        assert not any(name.startswith("campaign.duckdb") for name, _ in files)

        # pages that were open from the first snapshot on show the last one, without a reload
        with open_snapshot(run) as last:
            (row,) = last.query(KAPPAS).to_pylist()
        assert row["number"] == before[0]["number"] + publishes
        overview.expect(f"Snapshot {1 + publishes}, published")
        ranking.expect(f"{row['number']:,} pass the filters")
        for left_open in (overview, ranking):
            assert left_open.page.evaluate("window.neverReloaded")
        for window in (overview, ranking, loaded):
            window.check_quiet()

        # who has read the first snapshot all the time still does, though its file is gone
        assert not first.path.exists()
        assert first.query(KAPPAS).to_pylist() == before
        first.close()
        context.close()
    assert len(list(snapshots_folder(run).glob("*.duckdb*"))) == 3
    assert "Traceback" not in log.read_text(encoding="utf-8")


def test_pages_follow_a_campaign_that_publishes_meanwhile(
    tmp_path: Path, browser: Browser, pictures: Path
) -> None:
    check_following(tmp_path / "run", browser, pictures, tmp_path / "log", publishes=10, pages=12)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_pages_follow_a_hundred_snapshots_during_two_hundred_loads(
    tmp_path: Path, browser: Browser, pictures: Path
) -> None:
    check_following(tmp_path / "run", browser, pictures, tmp_path / "log", publishes=100, pages=200)
