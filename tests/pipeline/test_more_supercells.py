"""A poor fit of fc3 gets more supercells; a good one costs no trip to the potential."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from screen.core.errors import StoreError
from screen.core.records import Candidate, Execution, ForceConstants, SupercellForces
from screen.pipeline.walk import Progress, Task, walk
from screen.store.artifacts import Artifacts
from screen.store.layout import artifacts_folder
from tests.crystals import fcc
from tests.pipeline.campaigns import TINY, tiny

EVERYTHING = frozenset({"cpu", "model:springs"})


def task(run: Path, **displacements: Any) -> Task:
    """Conductivity of Cu of springs in supercells of 32 atoms."""
    protocol = {**TINY, "displacements": {"fc2_minimum_image": 7.0, "fc3_minimum_image": 7.0}}
    protocol["displacements"] |= {"fc3_scheme": "random", **displacements}
    campaign = tiny(run, run, protocol=protocol, properties=["conductivity"])
    return Task(
        candidate=Candidate("Cu", "test", fcc(3.7, 29)),
        model=campaign.models[0],
        model_digest="springs",
        protocol=campaign.protocol,
        properties=campaign.properties,
        run=run,
    )


def advance(task: Task, *resources: str) -> Progress:
    return walk(frozenset(resources) or EVERYTHING, lambda stage: None, task)


def executed(progress: Progress) -> dict[str, Execution]:
    return {execution.stage: execution for execution in progress.executions}


def files(run: Path, stage: str) -> list[Path]:
    return list((run / "artifacts" / stage).glob("*/*.npz"))


def record(task: Task, progress: Progress, stage: str) -> Any:
    assert progress.outcome is not None
    folder = artifacts_folder(task.run)
    return Artifacts(folder).read(stage, progress.outcome.artifacts[stage])


@pytest.mark.parametrize("scheme", ["random", "finite_differences"])
def test_good_force_constants_are_final_without_another_trip_to_the_potential(
    scheme: str, tmp_path: Path
) -> None:
    good = task(tmp_path, fc3_scheme=scheme)
    assert advance(good).outcome is not None
    for stage in ("fc3_more_forces", "fc3", "conductivity"):
        (artifact,) = files(tmp_path, stage)
        artifact.unlink()
    progress = advance(good, "cpu")  # no potential at hand
    assert progress.outcome is not None
    assert progress.outcome.status == "complete"
    assert list(executed(progress)) == ["fc3_more_forces", "fc3", "conductivity"]
    assert executed(progress)["fc3_more_forces"].evaluations == 0
    assert len(record(good, progress, "fc3_more_forces").forces) == 0


def test_force_constants_that_are_final_are_stored_once(tmp_path: Path) -> None:
    advance(task(tmp_path))
    (fitted,), (final,) = files(tmp_path, "fc3_fit"), files(tmp_path, "fc3")
    assert final.samefile(fitted)


def test_a_poor_fit_waits_for_the_potential_and_takes_all_forces(tmp_path: Path) -> None:
    """0.14 % is the held-out error of Cu at 0.03 Å; to 0.01 % it never comes: four times as many."""
    poor = task(tmp_path, max_fit_error=1e-4)
    advance(poor)
    for stage in ("fc3_more_forces", "fc3", "conductivity"):
        (artifact,) = files(tmp_path, stage)
        artifact.unlink()
    waiting = advance(poor, "cpu")
    assert (waiting.outcome, waiting.next_resource) == (None, "model:springs")
    progress = advance(poor)
    assert executed(progress)["fc3_more_forces"].evaluations == 24
    final = record(poor, progress, "fc3")
    fitted = record(poor, progress, "fc3_fit")
    assert (fitted.fit.supercells, final.fit.supercells) == (8, 32)
    assert final.fit.condition < fitted.fit.condition
    assert final.n_supercells == fitted.n_supercells + 24
    assert not np.array_equal(final.fc3, fitted.fc3)
    assert progress.outcome is not None
    row = progress.outcome.rows["conductivity"]
    assert row["fc3_supercells"] == 32
    assert row["fc3_held_out_relative"] == final.fit.held_out_relative
    assert row["fc3_fit_condition"] == final.fit.condition


def test_more_supercells_end_at_the_limit_of_the_protocol(tmp_path: Path) -> None:
    bounded = task(tmp_path, max_fit_error=1e-4, max_supercells=13)
    progress = advance(bounded)
    assert executed(progress)["fc3_more_forces"].evaluations == 4  # pairs: 12 of 13
    assert record(bounded, progress, "fc3").fit.supercells == 12


def test_a_second_walk_computes_nothing_again(tmp_path: Path) -> None:
    poor = task(tmp_path, max_fit_error=1e-4)
    first = advance(poor)
    assert len(executed(first)) == len(first.executions)
    assert advance(poor, "cpu").executions == ()


def test_a_link_becomes_a_copy_where_the_file_system_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, path: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    store = Artifacts(tmp_path)
    written = SupercellForces(np.arange(6.0).reshape(1, 2, 3))
    store.write("fc3_fit", "a1", written)
    monkeypatch.setattr(os, "link", refuse)
    path = store.link(("fc3_fit", "a1"), ("fc3", "b2"))
    assert not path.samefile(store.path("fc3_fit", "a1"))
    copied = store.read("fc3", "b2")
    assert isinstance(copied, SupercellForces)
    np.testing.assert_array_equal(copied.forces, written.forces)
    with pytest.raises(StoreError, match="cannot write the artifact"):
        store.link(("fc3_fit", "missing"), ("fc3", "c3"))


def test_both_places_of_a_broken_record_are_computed_again(tmp_path: Path) -> None:
    good = task(tmp_path)
    before = record(good, advance(good), "fc3")
    (final,), (result,) = files(tmp_path, "fc3"), files(tmp_path, "conductivity")
    final.write_bytes(final.read_bytes()[:1000])  # fc3_fit is the same file
    result.unlink()
    progress = advance(good)
    assert list(executed(progress)) == ["fc3_fit", "fc3", "conductivity"]
    after = record(good, progress, "fc3")
    assert isinstance(after, ForceConstants)
    np.testing.assert_array_equal(after.fc3, before.fc3)


def test_forces_for_fc3_alone_are_in_the_precision_of_the_protocol(tmp_path: Path) -> None:
    rounded = task(tmp_path, fc3_dtype="float32")
    progress = advance(rounded)
    for stage, single in (("fc2_forces", False), ("fc3_forces", True)):
        forces = record(rounded, progress, stage).forces
        assert np.array_equal(forces, forces.astype(np.float32)) is single
