"""One material: what was found, how sure one can be of it, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import data, display, sheet
from dashboard.data import MaterialSheet, Published
from dashboard.exported import materials_project_url
from dashboard.material.dilation import show_expansion
from dashboard.material.downloads import show_downloads
from dashboard.material.parts import Shown
from dashboard.material.phonons import show_phonons
from dashboard.material.provenance import show_provenance
from dashboard.material.structure import show_given, show_structure
from dashboard.material.transport import show_transport
from dashboard.session import follow, open_run
from dashboard.sheet import Result
from screen.core.errors import StoreError

LISTED = 1000  # materials in the chooser
COLOURS = {
    **{"complete": "green", "partial": "orange", "failed": "red"},
    **{"not_selected": "blue", "over_budget": "violet"},
}


def main() -> None:
    """Build the page."""
    published = open_run()
    material_id = choose_material(published)
    if material_id is None:
        st.info("The run has no material yet.")
        follow(published.run, published)
        st.stop()
    try:
        found = data.sheet(published, material_id)
    except StoreError:
        st.warning(f"This run has no material `{material_id}`. Choose another one above.")
        st.stop()
    result = choose_result(sheet.results(found))
    show_title(found, result)
    if result is None:
        st.info("This material has not been computed yet.")
        show_given(found)
        follow(published.run, published)
        st.stop()
    shown = Shown(published, found, result)
    show_failures(result)
    show_headlines(published, result)
    show_transport(shown)
    show_phonons(shown)
    show_expansion(shown)
    show_structure(shown)
    show_provenance(shown)
    show_downloads(shown)
    follow(published.run, published)


def choose_material(published: Published) -> str | None:
    """Let the user choose a material; the address names it (``?id=``)."""
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    text = left.text_input("Search", placeholder="formula or identifier", key="search")
    found = data.materials(published, text, LISTED)
    formulas = dict(zip(*(found[name].to_pylist() for name in found.column_names), strict=True))
    wanted = st.query_params.get("id")
    if wanted is not None and not text:
        formulas.setdefault(wanted, None)
    options = list(formulas)
    first = next(
        (each for each in (wanted, data.first_complete(published)) if each in formulas), None
    )
    chosen = right.selectbox(
        f"Material (the first {LISTED:,} found)" if len(options) >= LISTED else "Material",
        options,
        index=None if not options else 0 if first is None else options.index(first),
        format_func=lambda item: f"{formulas[item]} · {item}" if formulas.get(item) else item,
    )
    if chosen is not None and chosen != wanted:
        st.query_params["id"] = chosen
        st.rerun()  # an index is part of what the browser knows the widget by
    return chosen


def choose_result(results: Sequence[Result]) -> Result | None:
    """Let the user choose among potentials and protocols (``?model=`` and ``?protocol=``)."""
    if len(results) < 2:
        return results[0] if results else None
    wanted = (st.query_params.get("model"), st.query_params.get("protocol"))
    keys = [(item.row["model_digest"], item.row["protocol_digest"]) for item in results]
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    position = left.selectbox(
        "Potential · protocol",
        range(len(results)),
        index=keys.index(wanted) if wanted in keys else 0,
        format_func=lambda index: results[index].label,
    )
    right.page_link(
        "views/compare.py",
        label="Compare them side by side",
        icon=":material/compare_arrows:",
        query_params={"materials": str(results[position].row["material_id"])},
    )
    if keys[position] != wanted:
        st.query_params["model"], st.query_params["protocol"] = keys[position]
        st.rerun()
    return results[position]


def show_title(found: MaterialSheet, result: Result | None) -> None:
    """Say which material this is, and how far it came."""
    known = found.material.to_pylist()
    row = known[0] if known else {}
    name = row.get("formula") or "unreadable crystal"
    if result is None:
        st.title(name)
    else:
        status = result.row["status"]
        st.title(f"{name} :{COLOURS.get(status, 'gray')}-badge[{status}]")
    entry = row.get("mp_id")
    url = materials_project_url(entry)
    facts = (
        row.get("prototype"),
        entry if url is None else f"[{entry}]({url})",
        row.get("source"),
        None if result is None else result.label,
    )
    st.caption(" · ".join(str(fact) for fact in facts if fact))


def show_failures(result: Result) -> None:
    """Say what went wrong, first of all."""
    for failure in result.failures:
        st.error(
            f"**{display.verbatim(failure['stage'])} · {display.verbatim(failure['kind'])}**  \n"
            f"{display.verbatim(failure['message'] or '')}",
            icon=":material/error:",
        )
        if failure["traceback"]:
            with st.expander("Where it went wrong"):
                st.code(failure["traceback"], language=None)


def show_headlines(published: Published, result: Result) -> None:
    """Show the numbers that people come for."""
    columns = data.columns(published)
    names = [name for name in sheet.HEADLINES if name in columns]
    if all(result.row[name] is None for name in names):
        return
    for place, name in zip(st.columns(len(names)), names, strict=True):
        label, value, meaning = sheet.headline(result.row, columns, name)
        place.metric(label, value, help=meaning, border=True)
    ensemble = sheet.ensemble(result.row)
    if ensemble is not None:
        st.caption(ensemble)


main()
