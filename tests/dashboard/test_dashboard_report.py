"""A report is one file that needs nothing else and says everything about its materials."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlparse

import pytest

from dashboard.charts.drawing import element_colours, structure_svg
from dashboard.report.__main__ import main
from dashboard.report.citations import Citations
from screen.core.protocols import ModelCard, ModelIdentity
from screen.store.artifacts import Artifacts
from screen.store.database import Writer
from screen.store.layout import artifacts_folder

from .conftest import COLUMNS, RECIPES, candidate_of, crystal_of, outcome_of, write_run

NAMED = ["LiBr-rs", "SiC-zb", "CsF-rs", "NaCl-rs", "AgCl-rs", "broken.cif"]
FETCHING = {"src", "srcset", "data", "poster", "action", "formaction", "background", "ping"}
LINKS = {"a"}  # what is only followed by a click


class Reader(HTMLParser):
    """What a browser would fetch, and what it would show."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.fetched: list[tuple[str, str]] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.styles: list[str] = []
        self.words: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style"}:
            self._inside.append(tag)
        for name, value in attrs:
            if name in FETCHING or (name in {"href", "xlink:href"} and tag not in LINKS):
                self.fetched.append((tag, value or ""))
            elif name == "href":
                self.links.append(value or "")
            elif name == "id":
                self.anchors.add(value or "")
            elif name == "style":
                self.styles.append(value or "")

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data)
        elif self._inside[-1] == "style":
            self.styles.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


@pytest.fixture(scope="module")
def written(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reports") / "report.html"
    command = ["--run", str(run), "--materials", *NAMED, "--output", str(path)]
    assert main(command) == 0
    return path


@pytest.fixture(scope="module")
def found(written: Path) -> Reader:
    return read(written)


def test_nothing_outside_the_file_is_fetched(found: Reader) -> None:
    assert all(urlparse(url).scheme == "data" for _, url in found.fetched), found.fetched
    assert not [text for text in found.styles if "url(" in text or "@import" in text]
    outside = [url for url in found.links if not url.startswith("#")]
    assert set(outside) == {"https://next-gen.materialsproject.org/materials/mp-23259"}


def test_its_own_policy_forbids_to_fetch(written: Path) -> None:
    head = written.read_text(encoding="utf-8")[:2000]
    assert "Content-Security-Policy" in head
    assert "default-src 'none'" in head


def test_every_material_is_in_it(found: Reader) -> None:
    for name in NAMED:
        assert name in found.text
    assert {f"m{place}" for place in range(1, len(NAMED) + 1)} <= found.anchors
    for url in found.links:
        assert not url.startswith("#") or url[1:] in found.anchors


def test_numbers_carry_their_units(found: Reader) -> None:
    for header in ("κ (300 K) [W/m/K]", "α_L (300 K) [10⁻⁶/K]", "volume [Å³/atom]"):
        assert header in found.text
    assert "430" in found.text


def test_material_without_results_is_said(found: Reader) -> None:
    assert "This run has no result for this material: it has not been computed yet." in found.text
    assert "no result" in found.text


def test_failures_are_said(found: Reader) -> None:
    assert "stability failed (imaginary_modes): dynamically unstable" in found.text
    assert "not finite at 100 K" in found.text
    assert "no atoms in broken.cif" in found.text


def test_provenance_command_and_versions_are_in_it(found: Reader, run: Path) -> None:
    command = f"thermoscreen report --run {run} --materials {' '.join(NAMED)}"
    for words in (command, "phono3py 4.10.0", "Python 3.", "protocol digest", "CC BY 4.0"):
        assert words in found.text


def test_citations_are_listed_once_and_linked(found: Reader) -> None:
    assert found.text.count("phononDB-PBE, arXiv:2408.00755") == 1 + found.text.count(
        "reference phononDB-PBE, arXiv:2408.00755"
    )
    assert "Simoncelli" in found.text
    assert "#c3" in found.links


def test_figures_are_drawn_where_there_is_something_to_draw(written: Path) -> None:
    text = written.read_text(encoding="utf-8")
    for figure in ("overview-figure-0", "overview-figure-1", "m1-figure-3", "m3-figure-0"):
        assert f'id="{figure}"' in text
    assert 'id="m5-figure-0"' not in text  # pending
    assert text.count("<svg ") >= 5  # a drawing for each readable crystal


def test_best_of_a_ranking_is_a_shortlist(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "best.html"
    words = ["--run", str(run), "--best", "2", "--ranking", "heat-spreaders", "--output", str(path)]
    assert main(words) == 0
    text = read(path).text
    assert "Ranking" in text
    assert "SiC-zb" in text
    assert "MgO-rs" in text
    assert "LiBr-rs" not in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--materials", "nonsense"], "the run has no material 'nonsense'"),
        ([], "give --materials A B C or --best N, one of them"),
        (["--materials", "LiBr-rs", "--best", "3"], "one of them"),
        (["--best", "0"], "a report is for 1 to 100 materials, not 0"),
        (["--best", "3", "--where", "kappa_300 < 0"], "no stable material to rank"),
        (["--materials", "LiBr-rs", "--output", "/proc/nothing/r.html"], "cannot write"),
    ],
)
def test_wrong_orders_are_one_line(
    run: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--run", str(run), *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert message in said
    assert said.count("\n") == 1


def test_command_writes_the_report(run: Path, tmp_path: Path) -> None:
    words = ["report", "--run", str(run), "--materials", "LiBr-rs", "MgO-rs", "-o", "r.html"]
    done = subprocess.run(
        [sys.executable, "-m", "screen", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "r.html: 2 materials\n"
    assert "MgO-rs" in read(tmp_path / "r.html").text


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A run whose names are HTML, one record of which is broken, with a second potential."""
    name = "<script src=//evil.example></script>"
    folder = write_run(tmp_path / "hostile", RECIPES[:1])
    artifacts = Artifacts(artifacts_folder(folder))
    outcome = outcome_of(replace(RECIPES[0], kappa=3.0), artifacts)
    about = (name, "PBE", "MIT", name)
    card = ModelCard("other", "other", "for tests", *about, False, 6.0, frozenset({"Li"}), 0.4)
    with Writer(folder, COLUMNS) as writer:
        writer.add_candidates([replace(candidate_of(RECIPES[0]), id=name)])
        identity = ModelIdentity("other", name, "d", "float64", "pkg", "1")
        writer.add_model("77" * 12, identity, card)
        writer.upsert(
            [
                replace(outcome, material_id=name, executions=()),
                replace(outcome, material_id=name, model_digest="77" * 12, executions=()),
            ]
        )
        writer.publish()
    next((artifacts_folder(folder) / "expansion").rglob("*.npz")).write_bytes(b"PK broken")
    return folder


def test_names_are_texts_and_broken_records_are_told(hostile: Path, tmp_path: Path) -> None:
    path, name = tmp_path / "report.html", "<script src=//evil.example></script>"
    assert main(["--run", str(hostile), "--materials", name, "--output", str(path)]) == 0
    assert "<script src=//evil" not in path.read_text(encoding="utf-8")
    reader = read(path)
    assert all(urlparse(url).scheme == "data" for _, url in reader.fetched)
    assert name in reader.text
    assert "delete the file" in reader.text  # the broken record


def test_one_potential_can_be_chosen(hostile: Path, tmp_path: Path) -> None:
    path, name = tmp_path / "report.html", "<script src=//evil.example></script>"
    words = ["--run", str(hostile), "--materials", name, "LiBr-rs", "--model", "77" * 12]
    assert main([*words, "--output", str(path)]) == 0
    text = read(path).text
    assert "This run has no result of the chosen potential and protocol for it." in text
    assert "mace-mpa-0 · quick" not in text


def test_citations_are_numbered_in_order_and_once() -> None:
    cited = Citations()
    assert (cited.cite("A"), cited.cite("B\n B"), cited.cite("A"), cited.cite(None)) == (
        1,
        2,
        1,
        None,
    )
    assert cited.of({"citation": "C", "reference": "A"}, None, {}) == [1, 3]
    assert cited.listed == [(1, "A"), (2, "B B"), (3, "C")]


def test_drawing_has_every_atom_and_its_colour() -> None:
    crystal = crystal_of(RECIPES[1])
    drawing = structure_svg(crystal)
    assert drawing.count("<circle") == 14 + 13  # as in three dimensions
    assert drawing.count("<title>Mg</title>") == 14
    for symbol, colour in element_colours(crystal):
        assert symbol in {"Mg", "O"}
        assert f'fill="{colour}"' in drawing
