"""Run a campaign: one writer, any cluster, resumable at any point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from screen.core.columns import Column
from screen.core.identities import told_apart
from screen.core.records import Execution
from screen.core.registry import find, names
from screen.core.settings import Campaign, validated
from screen.physics import isotopes
from screen.pipeline.driver import Driver
from screen.pipeline.potentials import resolve, worker_kinds
from screen.pipeline.stages import pipeline_for, table_name
from screen.pipeline.state import State, Watch
from screen.store import ledger
from screen.store.artifacts import Artifacts
from screen.store.database import Writer
from screen.store.layout import database_file, ledger_folder
from screen.store.tenants import move_in

LEDGER_LINES = 10_000  # read at a time


def property_columns(properties: Sequence[str]) -> dict[str, tuple[Column, ...]]:
    """Columns of every property of Thermoscreen and of ``properties``, by table."""
    known = dict.fromkeys([*names("properties"), *properties])
    return {table_name(name): find("properties", name).COLUMNS for name in known}


def run_campaign(
    campaign: Campaign,
    watch: Watch = lambda state: None,
    stop: Callable[[], bool] = lambda: False,
) -> State:
    """Run a campaign to its end with all its potentials, or go on with one that was cut off.

    Once ``stop()`` says so, nothing new is started; the call returns when all that runs has ended.

    Raises
    ------
    CampaignError
        No worker can do the work, or nothing but unexpected errors came back.
    ThermoscreenError
        The source, a potential, the store or the settings cannot be used at all.
    """
    pipeline_for(campaign.properties)  # an unknown name must not wait for the first worker
    find("solvers", campaign.protocol.conductivity.solver)
    isotopes.check(campaign.protocol.conductivity.isotope_abundances)
    cluster = find("clusters", campaign.cluster.name)
    validated(cluster.OPTIONS, campaign.cluster.options, f"[cluster] {campaign.cluster.name}")
    potentials = resolve(campaign.models)
    Artifacts(move_in(campaign.run_folder, campaign.artifacts)).remove_temporaries()
    source = find("sources", campaign.source.name)
    entries = told_apart(source.candidates(campaign.source.options))
    resumed = database_file(campaign.run_folder).exists()
    with Writer(campaign.run_folder, property_columns(campaign.properties)) as writer:
        for potential in potentials:
            writer.add_model(potential.digest, potential.identity, potential.card)
        writer.add_protocol(campaign.protocol)
        writer.add_candidates(entries)
        driver = Driver(campaign, potentials, writer, watch)
        for executions in _ledger(campaign):
            writer.add_executions(executions)
            driver.spending.add(executions)
        stop()  # from the first look on a signal is no abort: there are outcomes to store
        driver.start(entries)
        del entries  # the driver forgets each material when it is done
        driver.flush(publish=True)
        try:
            if not driver.budget.idle:
                kinds = worker_kinds(potentials)
                with cluster.connect(campaign.cluster.options, kinds) as workers:
                    driver.loop(workers, stop)
                for executions in _ledger(campaign) if resumed or driver.lost_results else ():
                    # of what an earlier driver started, or whose worker died before it reported
                    writer.add_executions(executions)
        finally:
            driver.flush(publish=True)
    return driver.state


def _ledger(campaign: Campaign) -> Iterator[list[Execution]]:
    """Read the cost ledger in pieces."""
    lines = ledger.read(ledger_folder(campaign.run_folder))
    while piece := list(islice(lines, LEDGER_LINES)):
        yield piece
