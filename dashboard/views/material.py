"""One material: what was found, how sure one can be of it, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from dashboard import data, display, sheet
from dashboard.charts.bands import band_structure
from dashboard.charts.conductivity import conductivity_curve
from dashboard.charts.expansion import expansion_curve, gruneisen_scatter
from dashboard.charts.lifetimes import lifetime_scatter
from dashboard.charts.spectra import coherence_map, mean_free_path_curve, spectral_curve
from dashboard.charts.structure import structure_3d
from dashboard.data import MaterialSheet, Published
from dashboard.session import open_run
from dashboard.sheet import Result
from screen.core.errors import StoreError
from screen.core.experiment import measured
from screen.core.records import Conductivity, Expansion, Phonons, Record, Relaxed

R = TypeVar("R", bound=Record)

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
        show_structure(published, found, None)
        st.stop()
    show_failures(result)
    show_headlines(published, result)
    show_transport(published, result)
    show_phonons(published, result)
    show_expansion(published, found, result)
    show_structure(published, found, result)
    show_provenance(published, result)


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
    chosen = right.selectbox(
        f"Material (the first {LISTED:,} found)" if len(options) >= LISTED else "Material",
        options,
        index=options.index(wanted) if wanted in options else 0 if options else None,
        format_func=lambda item: f"{formulas[item]} · {item}" if formulas.get(item) else item,
    )
    if chosen is not None and chosen != wanted:
        st.query_params["id"] = chosen
    return chosen


def choose_result(results: Sequence[Result]) -> Result | None:
    """Let the user choose among potentials and protocols (``?model=`` and ``?protocol=``)."""
    if len(results) < 2:
        return results[0] if results else None
    wanted = (st.query_params.get("model"), st.query_params.get("protocol"))
    keys = [(item.row["model_digest"], item.row["protocol_digest"]) for item in results]
    position = st.selectbox(
        "Potential · protocol",
        range(len(results)),
        index=keys.index(wanted) if wanted in keys else 0,
        format_func=lambda index: results[index].label,
    )
    return results[position]


def show_title(found: MaterialSheet, result: Result | None) -> None:
    """Say which material this is, and how far it came."""
    known = found.material.to_pylist()
    row = known[0] if known else {}
    name = row.get("formula") or "unreadable crystal"
    if result is None:
        st.title(name)
        return
    status = result.row["status"]
    st.title(f"{name} :{COLOURS.get(status, 'gray')}-badge[{status}]")
    facts = (row.get("prototype"), row.get("mp_id"), row.get("source"), result.label)
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


def show_transport(published: Published, result: Result) -> None:
    """Show κ(T) beside the table of numbers."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Thermal conductivity")
        record = stored(published, result, "conductivity", Conductivity)
        if record is not None:
            scale = st.segmented_control(
                "κ axis",
                ["log", "linear"],
                default="log",
                required=True,
                key="scale",
                bind="query-params",
                label_visibility="collapsed",
            )
            figure = conductivity_curve(
                record, result.reference_300, "log" if scale == "log" else "linear"
            )
            st.plotly_chart(figure, key="conductivity")
    with right:
        st.subheader("Key numbers")
        show_facts(sheet.key_numbers(result, data.columns(published)))


def show_phonons(published: Published, result: Result) -> None:
    """Show phonon bands and lifetimes, then what the phonons carry at the same temperature."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Phonon bands")
        phonons = stored(published, result, "stability", Phonons)
        if phonons is not None:
            st.plotly_chart(band_structure(phonons.bands), key="bands")
    with right:
        st.subheader("Lifetimes")
        record = stored(published, result, "conductivity", Conductivity)
        if record is None:
            return
        index = choose_temperature(record)
        st.plotly_chart(lifetime_scatter(record, index), key="lifetimes")
    show_carriers(record, index)


def choose_temperature(record: Conductivity) -> int:
    """Let the user choose one of the record's temperatures; return its index."""
    grid = [float(value) for value in record.temperatures]
    if len(grid) == 1:
        st.caption(f"At {grid[0]:g} K.")
        return 0
    chosen = st.select_slider(
        "Temperature [K]",
        grid,
        value=min(grid, key=lambda value: abs(value - 300.0)),
        format_func=lambda value: f"{value:g}",
        key="mode_temperature",
    )
    return grid.index(chosen)


def show_carriers(record: Conductivity, index: int) -> None:
    """Show which phonons carry the heat, and between which frequencies it tunnels."""
    left, right = st.columns(2, gap="large")
    at = f"({record.temperatures[index]:g} K)"
    with left:
        st.subheader(f"Heat carriers {at}")
        abscissa = st.segmented_control(
            "Heat carriers by",
            ["frequency", "mean free path"],
            default="frequency",
            required=True,
            key="abscissa",
            bind="query-params",
            label_visibility="collapsed",
        )
        curve = spectral_curve if abscissa == "frequency" else mean_free_path_curve
        st.plotly_chart(curve(record, index), key="carriers")
    with right:
        st.subheader(f"Coherences {at}")
        if not record.kappa_c[index].any():
            st.caption("Nothing interferes: κ_C = 0.")
            return
        st.plotly_chart(coherence_map(record, index), key="coherences")


def show_expansion(published: Published, found: MaterialSheet, result: Result) -> None:
    """Show α(T), with experiment where it is known, beside γ over the spectrum."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Thermal expansion")
        record = stored(published, result, "expansion", Expansion)
        if record is None:
            return
        relaxed = stored(published, result, "relax", Relaxed)
        lattice = None if relaxed is None else relaxed.crystal.lattice
        (material,) = found.material.select(["formula", "prototype"]).to_pylist()
        known = measured(material["formula"], material["prototype"])
        st.plotly_chart(expansion_curve(record, lattice, known), key="expansion")
        if flags := result.properties.get("expansion", {}).get("expansion_flags"):
            st.caption(f"Doubtful: {', '.join(flags)}. See docs/methods.md, Thermal expansion.")
    with right:
        st.subheader("Grüneisen parameters")
        st.plotly_chart(gruneisen_scatter(record), key="gruneisen")


def show_structure(published: Published, found: MaterialSheet, result: Result | None) -> None:
    """Show the relaxed crystal, or the given one where nothing was relaxed."""
    st.subheader("Crystal structure")
    relaxed = None
    if result is not None and "relax" in result.artifacts:
        relaxed = stored(published, result, "relax", Relaxed)
    crystal = sheet.crystal_given(found) if relaxed is None else relaxed.crystal
    if crystal is None:
        st.caption("The source has no readable crystal.")
        return
    st.caption("As relaxed." if relaxed is not None else "As given by the source, not relaxed.")
    st.plotly_chart(structure_3d(crystal), key="structure")


def show_provenance(published: Published, result: Result) -> None:
    """Show where the numbers come from and what they have cost."""
    st.subheader("Provenance")
    left, right = st.columns(2, gap="large")
    with left:
        show_facts(sheet.provenance(result, published.version))
    with right:
        costs = result.costs.select(["stage", "wall_s", "cpu_s", "peak_mb", "evaluations", "host"])
        st.dataframe(
            costs.rename_columns(
                ["stage", "wall [s]", "CPU [s]", "memory [MB]", "evaluations", "host"]
            ),
            hide_index=True,
            height="content",
            column_config={
                name: st.column_config.NumberColumn(format="%.3g")
                for name in ("wall [s]", "CPU [s]")
            }
            | {"memory [MB]": st.column_config.NumberColumn(format="%.0f")},
            key="costs",
        )
        with st.expander("Artifacts"):
            show_facts(list(result.artifacts.items()))
        with st.expander("Packages"):
            show_facts(list(result.versions.items()))


def show_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Show pairs of name and value."""
    names, values = [name for name, _ in facts], [value for _, value in facts]
    st.table(
        {"quantity": names, "value": [display.verbatim(value) for value in values]},
        border="horizontal",
        hide_index=True,
        hide_header=True,
    )


def stored(published: Published, result: Result, stage: str, kind: type[R]) -> R | None:
    """Return the record of a stage; say why if there is none."""
    key = result.artifacts.get(stage)
    if key is None:
        failures = [f"{item['stage']} ({item['kind']})" for item in result.failures]
        why = f": it failed at {', '.join(failures)}." if failures else "."
        st.caption(f"There is no {stage} of this material{why}")
        return None
    try:
        record = data.record(published.run, stage, key)
    except StoreError as error:
        st.warning(str(error))
        return None
    if not isinstance(record, kind):
        st.warning(
            f"The artifact `{stage}/{key}` is not in `{published.run}`: numbers are from the "
            "database, the curve cannot be drawn."
        )
        return None
    return record


main()
