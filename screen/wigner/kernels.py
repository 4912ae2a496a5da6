"""Compiled CPU kernels (Numba): active combinations, tetrahedron weights and their sum, fused.

The same numbers as ``eager``, without intermediate arrays: every combination of bands that
energy conservation allows is put into a lane of a block; a full block gets its 24 tetrahedra
in one vectorised loop and is added to γ at all temperatures. Numba is optional: import this module
only where it is installed. The first call on a machine compiles (seconds) and is cached on disk.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

LANES = 128
TIE = 1e-10  # THz; closer vertices count as equal (``tetrahedron.TIE``)


_numba = import_module("numba")


def _jit(function: F) -> F:
    """Compile for any argument types, without the interpreter's lock; cached on disk."""
    compiled: F = _numba.njit(
        nogil=True,
        cache=True,
        error_model="numpy",
        # no reassociation: the order of sums, and so the result, does not depend on the compiler
        fastmath={"nnan", "nsz", "contract"},
    )(function)
    return compiled


@_jit
def weigh(  # noqa: PLR0915 - one straight line, no branch, so that it vectorises
    count: int, target: Any, v: Any, tetrahedra: Any, weight: Any
) -> None:
    """Weight of the central vertex v[0] in ∫δ(target − v), summed over the tetrahedra.

    Branch-free form of Blöchl, Jepsen and Andersen (1994) with half-open intervals; see
    ``tetrahedron.vertex_weights``. One division per tetrahedron.
    """
    for n in range(count):
        weight[n] = 0.0
    for t in range(len(tetrahedra)):
        first, second, third = tetrahedra[t, 0], tetrahedra[t, 1], tetrahedra[t, 2]
        for n in range(count):
            w = target[n]
            c = v[0, n]
            x = v[first, n]
            y = v[second, n]
            z = v[third, n]
            a = min(x, y)
            b = max(x, y)
            x = min(a, z)
            d = max(a, z)
            y = min(b, d)
            z = max(b, d)
            is0 = c <= x
            is3 = c > z
            is2 = c > y
            v0 = min(c, x)
            v1 = min(max(c, x), y)
            v2 = min(max(c, y), z)
            v3 = max(c, z)
            p0 = w - v0
            p1 = w - v1
            p2 = v2 - w
            p3 = v3 - w
            low = p1 < 0.0
            high = p2 <= 0.0
            d30 = v3 - v0
            da = v1 - v0 if low else (v3 - v2 if high else v2 - v1)
            db = v2 - v0
            dc = v3 - v1
            k30 = 0.0 if d30 < TIE else 1.0
            ka = 0.0 if da < TIE else 1.0
            kb = 0.0 if db < TIE else 1.0
            kc = 0.0 if dc < TIE else 1.0
            d30 = max(d30, TIE)
            da = max(da, TIE)
            db = max(db, TIE)
            dc = max(dc, TIE)
            inverse = 1.0 / (d30 * da * (db * dc))
            i30 = k30 * (inverse * da * (db * dc))
            ia = ka * (inverse * d30 * (db * dc))
            ib = kb * (inverse * (d30 * da) * dc)
            ic = kc * (inverse * (d30 * da) * db)
            f20 = p0 * ib
            f13 = p3 * ic
            f30 = p0 * i30
            f03 = p3 * i30
            f01 = p1 * ia
            f02 = p2 * ia
            g2 = p2 * ib
            g1 = p1 * ic
            wl = f20 * p0 * ia
            wl *= g2 - f01 + f03 if is0 else (f30 if is3 else (f20 if is2 else p0 * ia))
            wh = f13 * p3 * ia
            wh *= g1 - f02 + f30 if is3 else (f03 if is0 else (p3 * ia if is2 else f13))
            A = f02 * f20
            B = f01 * f13
            S = A + B
            wm = f03 * S + g2 * A if is0 else f30 * S + g1 * B
            wm = wm if is0 or is3 else (f01 * S + f20 * A if is2 else f02 * S + f13 * B)
            part = i30 * (wl if low else (wh if high else wm))
            inside = p0 >= 0.0 and p3 > 0.0
            weight[n] += part if inside else 0.0
    scale = 4.0 / len(tetrahedra)  # 24 tetrahedra: 1/6
    for n in range(count):
        weight[n] *= scale


@_jit
def collect(
    count: int, weight: Any, strength: Any, mode: Any, occupations: Any, gamma: Any
) -> None:
    """Add a block of combinations to γ (nb, nT); rows of ``mode``: s, (q's'), (q''s''), kind."""
    for n in range(count):
        value = strength[n] * weight[n]
        s, first, second, kind = mode[0, n], mode[1, n], mode[2, n], mode[3, n]
        if kind == 0:
            for T in range(gamma.shape[1]):
                gamma[s, T] += value * (occupations[first, T] + occupations[second, T] + 1.0)
        else:
            value = value if kind == 1 else -value
            for T in range(gamma.shape[1]):
                gamma[s, T] += value * (occupations[first, T] - occupations[second, T])


@_jit
def extremes(sign: float, low: float, high: float) -> Any:
    """Lowest and highest of sign·f, where f lies between ``bounds``."""
    if sign > 0.0:
        return low, high
    return -high, -low


@_jit
def fill_lane(v: Any, lane: int, w: float, one: float, f: Any, two: float, g: Any) -> bool:
    """Put one·f + two·g at all vertices into a lane; whether w lies between them."""
    least = np.inf
    most = -np.inf
    for n in range(len(f)):
        value = one * f[n] + two * g[n]
        v[n, lane] = value
        least = min(least, value)
        most = max(most, value)
    return bool(least <= w <= most)


@_jit
def mean_square(amplitudes: Any, sets: Any, a: int, sets_other: Any, b: int) -> float:
    """|V|² averaged over the degenerate sets of a and b; ``amplitudes`` (nb', nb'')."""
    square = 0.0
    members = 0
    for i in range(len(sets)):
        if sets[i] != sets[a]:
            continue
        for j in range(len(sets)):
            if sets_other[j] == sets_other[b]:
                z = amplitudes[i, j]
                square += z.real * z.real + z.imag * z.imag
                members += 1
    return float(square / members)


@_jit
def add_triplets(
    amplitudes: Any,  # (m, nb', nb, nb'') complex
    first: Any,  # (m,) index of q'
    second: Any,  # (m,)
    multiplicity: Any,  # (m,)
    target: Any,  # (nb,) THz, frequencies at q
    inverse: Any,  # (n, nb) 1/f or 0
    plus: Any,  # (n, nb, nv) THz, frequencies around q'
    minus: Any,  # (n, nb, nv)
    bounds_plus: Any,  # (n, nb, 2) THz
    bounds_minus: Any,  # (n, nb, 2)
    sets: Any,  # (n, nb) first band of the degenerate set
    tetrahedra: Any,  # (nt, 3)
    occupations: Any,  # (n·nb, nT)
    gamma: Any,  # (nb, nT), added to
) -> None:
    """Add Σ |V|² [(n'+n''+1) δ(f−f'−f'') + (n'−n'') (δ(f+f'−f'') − δ(f−f'+f''))] to γ."""
    nb = len(target)
    v = np.empty((plus.shape[2], LANES))
    omega, weight, strength = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    mode = np.empty((4, LANES), dtype=np.int64)
    count = 0
    for t in range(len(first)):
        p, q = first[t], second[t]
        for a in range(nb):
            f = plus[p, a]
            for b in range(nb):
                g = minus[q, b]
                scale = multiplicity[t] * inverse[p, a] * inverse[q, b]
                if scale == 0.0:
                    continue
                for kind in range(3):
                    one = -1.0 if kind == 1 else 1.0
                    two = -1.0 if kind == 2 else 1.0
                    near, far = extremes(one, bounds_plus[p, a, 0], bounds_plus[p, a, 1])
                    nearer, farther = extremes(two, bounds_minus[q, b, 0], bounds_minus[q, b, 1])
                    for s in range(nb):
                        w = target[s]
                        if w < near + nearer or w > far + farther:
                            continue
                        if not fill_lane(v, count, w, one, f, two, g):
                            continue
                        square = mean_square(amplitudes[t, :, s, :], sets[p], a, sets[q], b)
                        omega[count] = w
                        strength[count] = square * scale
                        mode[0, count] = s
                        mode[1, count] = p * nb + a
                        mode[2, count] = q * nb + b
                        mode[3, count] = kind
                        count += 1
                        if count == LANES:
                            weigh(count, omega, v, tetrahedra, weight)
                            collect(count, weight, strength, mode, occupations, gamma)
                            count = 0
    weigh(count, omega, v, tetrahedra, weight)
    collect(count, weight, strength, mode, occupations, gamma)


@_jit
def mean_overlap(here: Any, there: Any, variances: Any, sets: Any, a: int) -> float:
    """Σ_atoms g |e*·e'|² averaged over the degenerate set of a; ``here`` (n_atoms, 3)."""
    square = 0.0
    members = 0
    for i in range(len(sets)):
        if sets[i] != sets[a]:
            continue
        members += 1
        for k in range(len(variances)):
            z = 0.0j
            for x in range(3):
                z += here[k, x].conjugate() * there[i, k, x]
            square += variances[k] * (z.real * z.real + z.imag * z.imag)
    return float(square / members)


@_jit
def add_isotopes(
    here: Any,  # (nb, n_atoms, 3) complex, eigenvectors at q
    there: Any,  # (n, nb, n_atoms, 3) complex
    variances: Any,  # (n_atoms,)
    target: Any,  # (nb,) THz
    taking_part: Any,  # (n, nb) bool
    plus: Any,  # (n, nb, nv) THz
    bounds: Any,  # (n, nb, 2) THz
    sets: Any,  # (n, nb)
    tetrahedra: Any,  # (nt, 3)
    gamma: Any,  # (nb,), added to
) -> None:
    """Add Σ_q's' Σ_atoms g |e*·e'|² δ(f − f') to ``gamma``."""
    nb = len(target)
    v = np.empty((plus.shape[2], LANES))
    omega, weight, strength = np.empty(LANES), np.empty(LANES), np.empty(LANES)
    mode = np.empty(LANES, dtype=np.int64)
    count = 0
    for p in range(len(plus)):
        for a in range(nb):
            if not taking_part[p, a]:
                continue
            for s in range(nb):
                w = target[s]
                if w < bounds[p, a, 0] or w > bounds[p, a, 1]:
                    continue
                fill_lane(v, count, w, 1.0, plus[p, a], 0.0, plus[p, a])
                omega[count] = w
                strength[count] = mean_overlap(here[s], there[p], variances, sets[p], a)
                mode[count] = s
                count += 1
                if count == LANES:
                    weigh(count, omega, v, tetrahedra, weight)
                    for n in range(count):
                        gamma[mode[n]] += strength[n] * weight[n]
                    count = 0
    weigh(count, omega, v, tetrahedra, weight)
    for n in range(count):
        gamma[mode[n]] += strength[n] * weight[n]
