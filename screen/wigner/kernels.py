"""Compiled CPU kernels (Numba): active combinations, tetrahedron weights and their sum, fused.

The same numbers as ``eager``, without intermediate arrays: every combination of bands that
energy conservation allows is put into a lane of a block; a full block gets its 24 tetrahedra
in one vectorised loop and is added to γ at all temperatures. Numba is optional: import this module
only where it is installed. The first call on a machine compiles (seconds) and is cached on disk.

Arrays come in named tuples. Kernels unpack them before their loops: a look-up inside counts
references, which made them twice as slow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

import numpy as np

from screen.wigner.smearing import VANISHING

F = TypeVar("F", bound=Callable[..., Any])

LANES = 128  # combinations that are weighed together
TIE = 1e-10  # THz; closer vertices count as equal (``tetrahedron.TIE``)

_numba = import_module("numba")
typeof = _numba.typeof

_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # no reassociation: the order of sums, and so the result, does not depend on the compiler
    "fastmath": {"nnan", "nsz", "contract"},
}


def _jit(function: F) -> F:
    """Compile for any argument types, without the interpreter's lock."""
    compiled: F = _numba.njit(**_OPTIONS)(function)
    return compiled


def _cached(function: F) -> F:
    """Compile and keep on disk: in $NUMBA_CACHE_DIR, beside this file, or in the user's cache."""
    try:
        compiled: F = _numba.njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # Numba found no folder that can be written to
        return _jit(function)
    return compiled


class Slab(NamedTuple):
    """Triplets, see ``interaction.Amplitudes``."""

    half: Any  # (rows, nb', nb, nb'') complex
    place: Any  # (m,) row of ``half``
    owner: Any  # (m,) row of γ
    centre: Any  # (m,) index of q
    first: Any  # (m,) index of q'
    second: Any  # (m,) index of q''
    multiplicity: Any  # (m,)


class Modes(NamedTuple):
    """What |V|² and occupations need, see ``tables.Tables``."""

    inverse: Any  # (n, nb) 1/f or 0
    eigenvectors: Any  # (n, nb, nb) complex, periodic, [:, band]
    sets: Any  # (n, nb) first band of the degenerate set
    degenerate: Any  # (n,) bool
    occupations: Any  # (n·nb, nT)


class Around(NamedTuple):
    """What tetrahedra need, see ``tables.Tables``; THz."""

    levels: Any  # (n, nb)
    plus: Any  # (n, nb, nv)
    minus: Any  # (n, nb, nv)
    bounds_plus: Any  # (n, nb, 2)
    bounds_minus: Any  # (n, nb, 2)
    tetrahedra: Any  # (nt, 3)


class Isotopes(NamedTuple):
    """Modes here, at q, and there, at n points q'."""

    here: Any  # (nb, n_atoms, 3) complex
    there: Any  # (n, nb, n_atoms, 3) complex
    variances: Any  # (n_atoms,)
    taking_part: Any  # (n, nb) bool
    sets: Any  # (n, nb)


class Lanes(NamedTuple):
    """A block of combinations of bands."""

    vertices: Any  # (nv, LANES) THz, ±f' ± f'' at all vertices
    target: Any  # (LANES,) THz
    weight: Any  # (LANES,) 1/THz
    which: Any  # (LANES, 5): triplet, band of q', of q'', of q; 0: decay, 1 and 2: absorption


@_jit
def empty_lanes(vertices: int) -> Any:
    """Room for a block."""
    return Lanes(
        np.empty((vertices, LANES)),
        np.empty(LANES),
        np.empty(LANES),
        np.empty((LANES, 5), dtype=np.int64),
    )


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
def sum_around(
    one: float, f: Any, p: int, a: int, two: float, g: Any, q: int, b: int, row: Any
) -> Any:
    """Put one·f[p, a] + two·g[q, b] at all vertices into ``row``; their lowest and highest."""
    least = np.inf
    most = -np.inf
    for n in range(len(row)):
        value = one * f[p, a, n] + two * g[q, b, n]
        row[n] = value
        least = min(least, value)
        most = max(most, value)
    return least, most


@_jit
def square(half: Any, h: int, a: int, s: int, e: Any, q: int, b: int) -> float:
    """|V|² of one combination: the last index of ``half`` is rotated to band b of q''."""
    re0, re1, im0, im1 = 0.0, 0.0, 0.0, 0.0  # four sums, so that none waits for another
    for k in range(half.shape[3]):
        x = half[h, a, s, k]
        y = e[q, b, k]
        re0 += x.real * y.real
        re1 -= x.imag * y.imag
        im0 += x.real * y.imag
        im1 += x.imag * y.real
    re = re0 + re1
    im = im0 + im1
    return float(re * re + im * im)


@_jit
def mean_square(
    half: Any, h: int, sets: Any, p: int, a: int, s: int, e: Any, q: int, b: int
) -> float:
    """|V|² averaged over the degenerate sets of a at p and b at q."""
    total = 0.0
    members = 0
    for i in range(sets.shape[1]):
        if sets[p, i] != sets[p, a]:
            continue
        for j in range(sets.shape[1]):
            if sets[q, j] == sets[q, b]:
                total += square(half, h, i, s, e, q, j)
                members += 1
    return total / members


@_jit
def finish(count: int, lanes: Lanes, slab: Slab, modes: Modes, tetrahedra: Any, gamma: Any) -> None:
    """Weigh a block of combinations and add it to γ (owners, nb, nT)."""
    weight, which = lanes.weight, lanes.which
    half, place, owner, _, first, second, multiplicity = slab
    inverse, e, sets, degenerate, occupations = modes
    weigh(count, lanes.target, lanes.vertices, tetrahedra, weight)
    nb = gamma.shape[1]
    for lane in range(count):
        if weight[lane] == 0.0:
            continue
        t, a, b = which[lane, 0], which[lane, 1], which[lane, 2]
        s, kind = which[lane, 3], which[lane, 4]
        h, p, q, o = place[t], first[t], second[t], owner[t]
        if degenerate[p] or degenerate[q]:
            value = mean_square(half, h, sets, p, a, s, e, q, b)
        else:
            value = square(half, h, a, s, e, q, b)
        value *= weight[lane] * multiplicity[t] * inverse[p, a] * inverse[q, b]
        one, two = p * nb + a, q * nb + b
        n0 = 1.0 if kind == 0 else 0.0
        n1 = -1.0 if kind == 2 else 1.0
        n2 = -1.0 if kind == 1 else 1.0
        for T in range(gamma.shape[2]):
            gamma[o, s, T] += value * (n0 + n1 * occupations[one, T] + n2 * occupations[two, T])


@_cached
def add_triplets(slab: Slab, modes: Modes, around: Around, gamma: Any) -> None:
    """Add Σ |V|² [(n'+n''+1) δ(f−f'−f'') + (n'−n'') (δ(f+f'−f'') − δ(f−f'+f''))]/(f'f'').

    ``gamma`` (owners, nb, nT) is changed.
    """
    nb = gamma.shape[1]
    _, _, _, centre, firsts, seconds, _ = slab
    inverse = modes.inverse
    levels, plus, minus, bounds_plus, bounds_minus, tetrahedra = around
    row = np.empty(plus.shape[2])
    lanes = empty_lanes(len(row))
    vertices, target, which = lanes.vertices, lanes.target, lanes.which
    count: Any = np.int64(0)  # typed, so that ``finish`` is compiled once
    for t in range(len(firsts)):
        c, p, q = centre[t], firsts[t], seconds[t]
        bottom, top = levels[c].min(), levels[c].max()
        for a in range(nb):
            low1, high1 = bounds_plus[p, a, 0], bounds_plus[p, a, 1]
            for b in range(nb):
                if inverse[p, a] * inverse[q, b] == 0.0:
                    continue
                low2, high2 = bounds_minus[q, b, 0], bounds_minus[q, b, 1]
                for kind in range(3):
                    one = -1.0 if kind == 1 else 1.0
                    two = -1.0 if kind == 2 else 1.0
                    low = (-high1 if kind == 1 else low1) + (-high2 if kind == 2 else low2)
                    high = (-low1 if kind == 1 else high1) + (-low2 if kind == 2 else high2)
                    if high < bottom or low > top:
                        continue
                    known, least, most = False, 0.0, 0.0
                    for s in range(nb):
                        w = levels[c, s]
                        if w < low or w > high:
                            continue
                        if not known:
                            least, most = sum_around(one, plus, p, a, two, minus, q, b, row)
                            known = True
                        if w < least or w > most:
                            continue
                        for n in range(len(row)):
                            vertices[n, count] = row[n]
                        target[count] = w
                        which[count, 0], which[count, 1], which[count, 2] = t, a, b
                        which[count, 3], which[count, 4] = s, kind
                        count += 1
                        if count == LANES:
                            finish(count, lanes, slab, modes, tetrahedra, gamma)
                            count = 0
    finish(count, lanes, slab, modes, tetrahedra, gamma)


@_jit
def gaussian(x: float, sigma: float) -> float:
    """Evaluate a normal distribution, 1/THz, except where it underflows."""
    y = x / sigma
    return math.exp(-y * y / 2) / (math.sqrt(2 * math.pi) * sigma) if abs(y) < VANISHING else 0.0


@_cached
def add_triplets_smeared(
    slab: Slab, modes: Modes, f: Any, sigma: float, horizon: float, gamma: Any
) -> None:
    """Do what ``add_triplets`` does with Gaussians of f (n, nb); THz."""
    nb = gamma.shape[1]
    half, place, owner, centre, first, second, multiplicity = slab
    inverse, e, sets, degenerate, n = modes
    for t in range(len(first)):
        h, c, p, q, o = place[t], centre[t], first[t], second[t], owner[t]
        mean = degenerate[p] or degenerate[q]
        for a in range(nb):
            one = p * nb + a
            for b in range(nb):
                two = q * nb + b
                scale = multiplicity[t] * inverse[p, a] * inverse[q, b]
                if scale == 0.0:
                    continue
                total, difference = f[p, a] + f[q, b], f[p, a] - f[q, b]
                for s in range(nb):
                    x, y, z = f[c, s] - total, f[c, s] + difference, f[c, s] - difference
                    if min(abs(x), abs(y), abs(z)) > horizon:
                        continue
                    if mean:
                        value = scale * mean_square(half, h, sets, p, a, s, e, q, b)
                    else:
                        value = scale * square(half, h, a, s, e, q, b)
                    decay = value * gaussian(x, sigma)
                    absorption = value * (gaussian(y, sigma) - gaussian(z, sigma))
                    for T in range(gamma.shape[2]):
                        gamma[o, s, T] += decay * (n[one, T] + n[two, T] + 1.0)
                        gamma[o, s, T] += absorption * (n[one, T] - n[two, T])


@_jit
def overlap(here: Any, s: int, there: Any, p: int, a: int, variances: Any, sets: Any) -> float:
    """Σ_atoms g |e*·e'|² averaged over the degenerate set of a."""
    total = 0.0
    members = 0
    for i in range(sets.shape[1]):
        if sets[p, i] != sets[p, a]:
            continue
        members += 1
        for k in range(len(variances)):
            z = 0.0j
            for x in range(3):
                z += here[s, k, x].conjugate() * there[p, i, k, x]
            total += variances[k] * (z.real * z.real + z.imag * z.imag)
    return total / members


@_jit
def finish_isotopes(
    count: int, lanes: Lanes, isotopes: Isotopes, tetrahedra: Any, gamma: Any
) -> None:
    """Weigh a block of pairs of modes and add it to γ (nb,)."""
    weight, which = lanes.weight, lanes.which
    here, there, variances, _, sets = isotopes
    weigh(count, lanes.target, lanes.vertices, tetrahedra, weight)
    for lane in range(count):
        if weight[lane] != 0.0:
            p, a, s = which[lane, 0], which[lane, 1], which[lane, 2]
            gamma[s] += weight[lane] * overlap(here, s, there, p, a, variances, sets)


@_cached
def add_isotopes(
    isotopes: Isotopes, levels: Any, around: Any, bounds: Any, tetrahedra: Any, gamma: Any
) -> None:
    """Add Σ_q's' Σ_atoms g |e*·e'|² δ(f − f') to γ (nb,).

    THz: ``levels`` (nb,) at q, ``around`` (n, nb, nv) and ``bounds`` (n, nb, 2) at q'.
    """
    nb = len(gamma)
    taking_part = isotopes.taking_part
    lanes = empty_lanes(around.shape[2])
    vertices, target, which = lanes.vertices, lanes.target, lanes.which
    count: Any = np.int64(0)
    for p in range(len(around)):
        for a in range(nb):
            if not taking_part[p, a]:
                continue
            for s in range(nb):
                if levels[s] < bounds[p, a, 0] or levels[s] > bounds[p, a, 1]:
                    continue
                for n in range(len(vertices)):
                    vertices[n, count] = around[p, a, n]
                target[count] = levels[s]
                which[count, 0], which[count, 1], which[count, 2] = p, a, s
                count += 1
                if count == LANES:
                    finish_isotopes(count, lanes, isotopes, tetrahedra, gamma)
                    count = 0
    finish_isotopes(count, lanes, isotopes, tetrahedra, gamma)


@_cached
def add_isotopes_smeared(isotopes: Isotopes, here_f: Any, f: Any, sigma: float, gamma: Any) -> None:
    """Do what ``add_isotopes`` does with Gaussians of f, (nb,) at q and (n, nb) at q'; THz."""
    here, there, variances, taking_part, sets = isotopes
    for p in range(len(f)):
        for a in range(len(gamma)):
            if not taking_part[p, a]:
                continue
            for s in range(len(gamma)):
                weight = gaussian(here_f[s] - f[p, a], sigma)
                if weight != 0.0:
                    gamma[s] += weight * overlap(here, s, there, p, a, variances, sets)
