"""Long acoustic waves of a crystal, and the conductivity that they alone suggest.

The estimate is Slack's: acoustic phonons scatter each other at a rate ∝ γ²T (G. A. Slack, J. Phys.
Chem. Solids 34, 321, 1973), in the form of E. S. Toberer, A. Zevalkink, G. J. Snyder, J. Mater.
Chem. 21, 15843 (2011), with their minimum for the optical phonons. It needs fc2 alone, for γ is
taken from the two speeds of sound (V. N. Belomestnykh, Tech. Phys. Lett. 30, 91, 2004).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import constants

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import MaterialError
from screen.core.records import ForceConstants, SoundWaves
from screen.physics.convert import to_phonopy
from screen.physics.phonons import harmonic_lattice

N_DIRECTIONS = 50  # 500 change v_m of wurtzite by less than 1e-3
WAVEVECTOR = 0.01  # 1/Å, a wave of 100 Å: dispersion is below 0.5 %

TO_METRES_PER_SECOND = 100.0  # THz·Å
AMU = constants.physical_constants["atomic mass constant"][0]


def sound_waves(force_constants: ForceConstants) -> SoundWaves:
    """Phase velocities of the three acoustic waves, without non-analytical correction.

    Raises
    ------
    MaterialError
        The frequency of a long wave is imaginary.
    """
    phonopy = harmonic_lattice(force_constants)
    phonopy.nac_params = None  # the macroscopic field of long optical waves is none of sound's
    directions = spread_directions(N_DIRECTIONS)
    phonopy.run_qpoints(WAVEVECTOR * directions @ phonopy.primitive.cell.T)
    frequencies = np.array(phonopy.qpoints.frequencies)[:, :3]
    if frequencies.min() <= 0:
        raise MaterialError(
            f"the frequency of a wave of {1 / WAVEVECTOR:g} Å is imaginary "
            f"({frequencies.min():.3g} THz): no speed of sound; raise fc2_minimum_image",
            kind="no_speed_of_sound",
        )
    return SoundWaves(directions, frequencies / WAVEVECTOR)


def spread_directions(number: int) -> FloatArray:
    """Spread unit vectors over a hemisphere, (number, 3), each for the same solid angle (Fibonacci)."""
    height = (np.arange(number) + 0.5) / number
    angle = math.pi * (1 + math.sqrt(5)) * np.arange(number)
    radius = np.sqrt(1 - height**2)
    return np.column_stack((radius * np.cos(angle), radius * np.sin(angle), height))


def mean_velocity(waves: SoundWaves) -> float:
    """Speed of sound that gives Debye's density of states, (⟨v⁻³⟩)^(−1/3), in m/s."""
    return float(np.mean(waves.velocities**-3.0) ** (-1 / 3)) * TO_METRES_PER_SECOND


def debye_temperature(waves: SoundWaves, volume_per_atom: float) -> float:
    """Θ_D = (ħ/k_B) v_m (6π²/V)^(1/3) in K, of all modes; volume in Å³ per atom."""
    wavevector = (6 * math.pi**2 / volume_per_atom) ** (1 / 3) * 1e10
    return float(constants.hbar / constants.k * mean_velocity(waves) * wavevector)


def poisson_ratio(waves: SoundWaves) -> float:
    """ν of an isotropic solid of the same mean transverse and longitudinal speed."""
    transverse, longitudinal = waves.velocities[:, :2].mean(), waves.velocities[:, 2].mean()
    squared = float(longitudinal / transverse) ** 2
    return (squared - 2) / (2 * squared - 2)


def gruneisen_of_poisson(ratio: float) -> float:
    """γ = (3/2)(1 + ν)/(2 − 3ν) (Belomestnykh, Tech. Phys. Lett. 30, 91, 2004)."""
    return 1.5 * (1 + ratio) / (2 - 3 * ratio)


def estimated_conductivity(
    waves: SoundWaves, crystal: Crystal, n_primitive: int, temperature: float
) -> float:
    """Slack-type κ in W/m/K at ``temperature`` (K), where it falls as 1/T (Toberer 2011).

    κ = (6π²)^(2/3)/(4π²) · M̄ v³/(T V^(2/3) γ² n^(1/3)) + (3/2) k_B v/V^(2/3) (π/6)^(1/3) (1 − n^(−2/3))

    with the mean atomic mass M̄, the volume per atom V and ``n_primitive`` = n atoms per primitive
    cell. For ranking; see docs/planning.md for how far it is off.
    """
    velocity = mean_velocity(waves)
    gamma = gruneisen_of_poisson(poisson_ratio(waves))
    area = (crystal.volume / len(crystal) * 1e-30) ** (2 / 3)  # m²
    acoustic = (
        (6 * math.pi**2) ** (2 / 3)
        / (4 * math.pi**2)
        * (mean_mass(crystal) * AMU * velocity**3)
        / (temperature * area * gamma**2 * n_primitive ** (1 / 3))
    )
    optical = (
        1.5
        * constants.k
        * velocity
        / area
        * (math.pi / 6) ** (1 / 3)
        * (1 - n_primitive ** (-2 / 3))
    )
    return float(acoustic + optical)


def mean_mass(crystal: Crystal) -> float:
    """Mean atomic mass in amu."""
    return float(np.mean(to_phonopy(crystal).masses))
