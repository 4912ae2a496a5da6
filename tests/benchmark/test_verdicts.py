"""What carries the heat: limits, counts by hand, and crystals whose verdict is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from screen.benchmark.verdicts import (
    BY_TEMPERATURE,
    COLUMNS,
    carriers,
    carriers_table,
    verdict_columns,
)
from screen.core.records import Conductivity
from screen.core.registry import find
from screen.core.settings import ConductivitySettings
from screen.core.spectra import pair_conductivities
from screen.core.verdicts import Verdict
from tests.core.test_spectra import FREQUENCIES, made_by_hand
from tests.shared import dft_force_constants

MESH = (7, 7, 7)  # coarse: κ_C/κ is far from the thresholds


def scattered(linewidths: np.ndarray, temperature: float = 300.0) -> Conductivity:
    """A crystal made by hand with the conductivity that follows from its pairs."""
    record = replace(
        made_by_hand(), linewidths=linewidths[None], temperatures=np.array([temperature])
    )
    kappa_p, kappa_c = (part.sum() * np.eye(3)[None] for part in pair_conductivities(record, 0))
    return replace(record, kappa_p=kappa_p, kappa_c=kappa_c)


def test_an_almost_harmonic_crystal_conducts_by_particles() -> None:
    found = carriers(scattered(1e-6 * FREQUENCIES))
    assert found.verdicts == (Verdict.PARTICLE,)
    assert found.coherence_share[0] < 1e-9  # κ_P ~ 1/Γ, κ_C ~ Γ
    assert found.beyond_wigner[0] == found.beyond_ioffe_regel[0] == 0.0
    assert found.wave_like[0] == found.overdamped[0] == 0.0


def test_a_crystal_whose_bands_drown_in_their_width_conducts_by_waves() -> None:
    """Of the pairs of a random operator most are coherences, and none decays slower."""
    found = carriers(scattered(np.full_like(FREQUENCIES, 1e3)))
    assert found.verdicts == (Verdict.WAVE_LIKE,)
    assert found.beyond_wigner[0] == found.beyond_ioffe_regel[0] == 1.0
    assert found.overdamped[0] == pytest.approx(1.0)


def test_modes_count_by_their_stars_and_those_without_frequency_do_not() -> None:
    """Frequencies 0, 2, 2 (weight 1) and 1, 4, 6 (weight 3); mean spacing 2 THz.

    Of 2 + 3·3 modes, 1 and 3·2 are wider than 2 THz; 1 and 3 of these are wider than their frequency,
    and so are 3 acoustic ones that live longer than the Wigner limit.
    """
    found = carriers(scattered(np.array([[9.0, 2.1, 1.9], [1.5, 3.0, 7.0]])))
    assert found.beyond_wigner[0] == pytest.approx(7 / 11)
    assert found.beyond_ioffe_regel[0] == pytest.approx((1 + 3 + 3) / 11)


def test_without_heat_shares_are_absent() -> None:
    """At 0 K nothing is conducted, yet modes decay."""
    record = scattered(0.1 * FREQUENCIES, temperature=0.0)
    found = verdict_columns(record)
    assert found["verdict"] == found["wave_like_share"] == found["overdamped_share"] == [None]
    assert found["beyond_wigner_share"] == [0.0]
    (row,) = carriers_table(carriers(record)).to_pylist()
    assert row["coherence_share"] is None
    assert row["kappa"] == 0.0


def test_tables_have_the_columns_that_are_described() -> None:
    record = scattered(0.1 * FREQUENCIES)
    found = carriers_table(carriers(record))
    assert found.column_names == [column.name for column in COLUMNS]
    assert list(verdict_columns(record)) == [column.name for column in BY_TEMPERATURE]
    (row,) = found.to_pylist()
    assert row["kappa_p"] + row["kappa_c"] == pytest.approx(row["kappa"])
    assert row["coherence_share"] == pytest.approx(row["kappa_c"] / row["kappa"])
    listed = verdict_columns(record)
    assert {name: [row[name]] for name in listed} == listed


def test_silicon_is_a_crystal_of_particles() -> None:
    """κ_C/κ of the published solver at 300 K is 0.001, at 800 K 0.006 (catalogs/wigner_reference.csv)."""
    record = find("solvers", "wigner").solve(
        dft_force_constants("Si-PBE"), MESH, [100.0, 300.0, 800.0], ConductivitySettings()
    )
    found = carriers(record)
    assert found.verdicts == (Verdict.PARTICLE,) * 3
    assert (np.diff(found.coherence_share) > 0).all()  # with T lines broaden
    assert 2e-4 < found.coherence_share[1] < 4e-3
    assert found.beyond_ioffe_regel.max() == 0.0
