"""Scattering rates against phono3py 4.10 and against themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from screen.wigner import compiled
from screen.wigner.engine import (
    PHONO3PY,
    Conventions,
    solve_harmonic,
    solve_transport,
    three_phonon_rates,
)
from screen.wigner.phonons import GridPhonons
from screen.wigner.scattering import choose_resources
from tests.wigner.cases import by_phono3py, eager, prepared, small_batches, solved

CRYSTALS = [
    ("Si-PBE", (9, 9, 9)),
    ("NaCl-rd", (6, 6, 6)),
    ("NaCl-rd:wang", (7, 7, 7)),
    ("MgO-rd", (7, 7, 7)),
    ("AlN-LDA", (6, 6, 5)),
]


@pytest.mark.parametrize(("name", "mesh"), CRYSTALS)
def test_rates_equal_those_of_phono3py(name: str, mesh: tuple[int, int, int]) -> None:
    """All irreducible points and bands within 1e-8, from the same phonons at all images of q."""
    theirs = by_phono3py(prepared(name, mesh), independent=False)
    found = solved(name, mesh, PHONO3PY).scattering
    assert found.isotopes is not None
    for ours, expected in (
        (found.phonons, np.array(theirs.gamma[0])),
        (found.isotopes, np.array(theirs.gamma_isotope[0])),
    ):
        floor = 1e-12 * expected.max()
        np.testing.assert_allclose(ours, expected, rtol=1e-8, atol=floor)


# With Gonze-Lee NAC phonopy's D(q+G) and D(q) differ by 1e-10, as its reciprocal sum is cut
@pytest.mark.parametrize(
    ("name", "mesh", "tolerance"),
    [("Si-PBE", (9, 9, 9), 1e-8), ("NaCl-rd", (6, 6, 6), 1e-6), ("AlN-LDA", (6, 6, 5), 1e-6)],
)
def test_averaged_rates_do_not_need_the_same_eigenvectors(
    name: str, mesh: tuple[int, int, int], tolerance: float
) -> None:
    theirs = np.array(by_phono3py(prepared(name, mesh), shared=False).gamma[0])
    found = solved(name, mesh, Conventions(canonical_levels=False)).scattering
    np.testing.assert_allclose(found.phonons, theirs, rtol=tolerance, atol=1e-12 * theirs.max())


def test_symmetrised_tetrahedra_are_those_of_phono3py() -> None:
    phono3py = prepared("AlN-LDA", (4, 4, 3))
    phono3py.init_phph_interaction(
        average_degenerate_weights=True, exclude_gamma_acoustic=True, symmetrize_tetrahedra=True
    )
    phono3py.run_thermal_conductivity(temperatures=[300.0], is_isotope=False, log_level=0)
    theirs = np.array(phono3py.thermal_conductivity.gamma[0])
    conventions = Conventions(canonical_levels=False, symmetrize_tetrahedra=True)
    found = solved("AlN-LDA", (4, 4, 3), conventions, temperatures=(300.0,)).scattering
    np.testing.assert_allclose(found.phonons, theirs, rtol=1e-6, atol=1e-12 * theirs.max())


def test_all_temperatures_at_once_equal_each_alone() -> None:
    together = solved("Si-PBE", (5, 5, 5), temperatures=(100.0, 300.0, 800.0))
    for index, temperature in enumerate((100.0, 300.0, 800.0)):
        alone = solved("Si-PBE", (5, 5, 5), temperatures=(temperature,))
        np.testing.assert_allclose(
            together.scattering.phonons[index], alone.scattering.phonons[0], rtol=1e-13
        )
        np.testing.assert_allclose(
            together.transport.kappa_p[index], alone.transport.kappa_p[0], rtol=1e-13, atol=1e-12
        )


@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (7, 7, 7)), ("AlN-LDA", (5, 5, 4))])
def test_the_size_of_batches_does_not_change_rates(name: str, mesh: tuple[int, int, int]) -> None:
    usual = solved(name, mesh)
    small = solved(name, mesh, resources=small_batches())
    # sums are taken in the same order up to the ends of blocks
    np.testing.assert_allclose(
        small.scattering.phonons, usual.scattering.phonons, rtol=1e-12, atol=1e-18
    )


@pytest.mark.skipif(not compiled.available(), reason="Numba is not installed")
@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (7, 7, 7)), ("AlN-LDA", (5, 5, 4))])
def test_plain_torch_gives_the_same_numbers(name: str, mesh: tuple[int, int, int]) -> None:
    one = solved(name, mesh)
    other = solved(name, mesh, resources=eager())
    np.testing.assert_allclose(other.scattering.total, one.scattering.total, rtol=1e-12, atol=1e-18)


@pytest.mark.skipif(not compiled.available(), reason="Numba is not installed")
def test_threads_do_not_change_rates() -> None:
    import torch

    usual = solved("Si-PBE", (7, 7, 7))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(threads + 1)
        threaded = solved("Si-PBE", (7, 7, 7))
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_allclose(
        threaded.scattering.total, usual.scattering.total, rtol=1e-12, atol=1e-18
    )


@pytest.mark.parametrize("name", ["Si-PBE", "NaCl-rd", "AlN-LDA"])
def test_rates_are_not_negative(name: str) -> None:
    found = solved(name, (4, 4, 4)).scattering
    assert (found.phonons >= 0).all()
    assert found.isotopes is not None
    assert (found.isotopes >= 0).all()
    assert found.boundary is not None
    assert (found.boundary >= 0).all()


@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (6, 6, 6)), ("AlN-LDA", (4, 4, 4))])
def test_the_basis_of_degenerate_modes_does_not_matter(
    name: str, mesh: tuple[int, int, int]
) -> None:
    given = solve_harmonic(prepared(name, mesh))
    assert given.phonons.degenerate.any()
    turned = replace(given, phonons=_turned(given.phonons))
    variances = np.full(given.phonons.bands // 3, 1e-3)
    resources = choose_resources()
    rates = []
    for harmonic in (given, turned):
        everywhere = range(len(harmonic.grid.irreducible))
        three = three_phonon_rates(harmonic, (300.0,), everywhere, resources)
        found = solve_transport(harmonic, (300.0,), three, variances, 10.0, resources)
        rates.append(found.scattering.total)
    # 1e-7: with NAC, occupations of one set differ in the tenth digit
    np.testing.assert_allclose(rates[1], rates[0], rtol=1e-7, atol=1e-15)


def _turned(phonons: GridPhonons) -> GridPhonons:
    """Turn eigenvectors by random unitary matrices inside every degenerate set."""
    rng = np.random.default_rng(0)
    eigenvectors, periodic = phonons.eigenvectors.copy(), phonons.periodic.copy()
    for point, sets in enumerate(phonons.sets):
        for start in np.unique(sets):
            members = np.flatnonzero(sets == start)
            size = len(members)
            random = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
            turn = np.linalg.qr(random)[0]
            eigenvectors[point][:, members] = eigenvectors[point][:, members] @ turn
            periodic[point][:, members] = periodic[point][:, members] @ turn
    return replace(phonons, eigenvectors=eigenvectors, periodic=periodic)
