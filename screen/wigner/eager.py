"""The scattering sums in plain torch: any device, no compiler, the same numbers as ``kernels``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from screen.core.crystal import IntArray
from screen.wigner.interaction import Amplitudes, complete
from screen.wigner.smearing import VANISHING, Smearing
from screen.wigner.tables import Tables
from screen.wigner.tetrahedron import vertex_weights

BLOCK_BYTES = {"cpu": 6_000_000, "cuda": 1_500_000_000}  # for combinations of bands at once


def add_triplets(tables: Tables, slab: Amplitudes, gamma: Tensor) -> None:
    """Add Σ |V|² [(n'+n''+1) δ(f−f'−f'') + (n'−n'') (δ(f+f'−f'') − δ(f−f'+f''))]/(f'f'').

    ``gamma`` (owners, nb, nT) is changed.
    """

    def moved(array: IntArray) -> Tensor:
        return torch.as_tensor(array, device=gamma.device)

    p, q, centre, owner = (
        moved(array) for array in (slab.first, slab.second, slab.centre, slab.owner)
    )
    v = complete(slab.half, moved(slab.place), tables.periodic[q])
    square = _averaged(v.real**2 + v.imag**2, tables, p, q)
    square *= torch.as_tensor(slab.multiplicity, device=gamma.device)[:, None, None, None]
    square *= tables.inverse[p][:, :, None, None] * tables.inverse[q][:, None, None, :]
    add = _add_by_tetrahedra if tables.smearing is None else _add_smeared
    add(tables, square, p, q, centre, owner, gamma)


def _add_by_tetrahedra(
    tables: Tables,
    square: Tensor,
    p: Tensor,
    q: Tensor,
    centre: Tensor,
    owner: Tensor,
    gamma: Tensor,
) -> None:
    nb = tables.bands
    total = gamma.reshape(-1, gamma.shape[2])
    target = tables.levels[centre]  # (m, nb)
    low1, high1 = tables.bounds_plus[p][:, :, None, None].unbind(-1)
    low2, high2 = tables.bounds_minus[q][:, None, None].unbind(-1)
    n = tables.occupations
    for kind, (one, two) in enumerate(((1, 1), (-1, 1), (1, -1))):
        low = (low1 if one > 0 else -high1) + (low2 if two > 0 else -high2)
        high = (high1 if one > 0 else -low1) + (high2 if two > 0 else -low2)
        w = target[:, None, :, None]
        active = ((low <= w) & (w <= high) & (square > 0)).nonzero()
        for t, a, s, b in _blocks(active, tables):
            vertices = (one * tables.plus[p[t], a] + two * tables.minus[q[t], b]).T.contiguous()
            weight = _weights(target[t, s], vertices, tables.tetrahedra) * square[t, a, s, b]
            n1, n2 = n[p[t] * nb + a], n[q[t] * nb + b]
            factor = n1 + n2 + 1 if kind == 0 else (n1 - n2 if kind == 1 else n2 - n1)
            total.index_add_(0, owner[t] * nb + s, weight[:, None] * factor)


def _add_smeared(
    tables: Tables,
    square: Tensor,
    p: Tensor,
    q: Tensor,
    centre: Tensor,
    owner: Tensor,
    gamma: Tensor,
) -> None:
    assert tables.smearing is not None
    nb, f = tables.bands, tables.frequencies
    w = f[centre][:, None, :, None]
    one, two = f[p][:, :, None, None], f[q][:, None, None, :]
    decay = w - one - two
    absorb = w + one - two
    emit = w - one + two
    near = torch.minimum(torch.minimum(decay.abs(), absorb.abs()), emit.abs())
    square = torch.where(near <= tables.smearing.horizon, square, 0.0)
    sums = square * _gaussian(tables.smearing, decay)
    differences = square * (_gaussian(tables.smearing, absorb) - _gaussian(tables.smearing, emit))
    n = tables.occupations.reshape(len(f), nb, -1)
    gamma.index_add_(
        0,
        owner,
        torch.einsum("mas,maT->msT", (sums + differences).sum(3), n[p])
        + torch.einsum("msb,mbT->msT", (sums - differences).sum(1), n[q])
        + sums.sum((1, 3))[:, :, None],
    )


def add_isotopes(tables: Tables, points: Sequence[int], variances: Tensor, gamma: Tensor) -> None:
    """Add Σ_q's' Σ_atoms g |e*·e'|² δ(f − f') to ``gamma`` (points, nb).

    ``points`` are indices of q, ``variances`` g (n_atoms,).
    """
    here = torch.as_tensor(points, device=gamma.device)
    smearing = tables.smearing
    if smearing is None:
        target = tables.levels[here]  # (points, nb)
        low, high = tables.bounds[None, :, :, None].unbind(-1)
        active = (low <= target[:, None, None, :]) & (target[:, None, None, :] <= high)
    else:
        target = tables.frequencies[here]
        distance = target[:, None, None, :] - tables.frequencies[None, :, :, None]
        active = distance.abs() < VANISHING * smearing.sigma
    active = active & (tables.inverse > 0)[None, :, :, None]
    total = gamma.reshape(-1)
    for o, p, a, s in _blocks(active.nonzero(), tables):
        if smearing is None:
            vertices = tables.around[p, a].T.contiguous()
            weight = _weights(target[o, s], vertices, tables.tetrahedra)
        else:
            weight = _gaussian(smearing, target[o, s] - tables.frequencies[p, a])
        overlap = torch.einsum(
            "mkx,mikx->mik", tables.eigenvectors[here[o], s].conj(), tables.eigenvectors[p]
        )
        square = (overlap.real**2 + overlap.imag**2) @ variances  # (m, nb')
        same = (tables.sets[p] == tables.sets[p, a][:, None]).to(square.dtype)
        total.index_add_(0, o * tables.bands + s, weight * (square * same).sum(1) / same.sum(1))


def _weights(target: Tensor, vertices: Tensor, tetrahedra: Tensor) -> Tensor:
    inside = (vertices.amin(0) <= target) & (target <= vertices.amax(0))
    return torch.where(inside, vertex_weights(target, vertices, tetrahedra), 0.0)


def _gaussian(smearing: Smearing, distance: Tensor) -> Tensor:
    return smearing.peak * torch.exp(-((distance / smearing.sigma) ** 2) / 2)


def _averaged(square: Tensor, tables: Tables, p: Tensor, q: Tensor) -> Tensor:
    """Average (m, nb', nb, nb'') over the degenerate sets at q' and q''."""
    touched = (tables.degenerate[p] | tables.degenerate[q]).nonzero().squeeze(1)
    if len(touched):
        square[touched] = torch.einsum(
            "mab,mbsc,mcd->masd",
            _projector(tables.sets[p[touched]]),
            square[touched],
            _projector(tables.sets[q[touched]]),
        )
    return square


def _projector(sets: Tensor) -> Tensor:
    same = (sets[:, :, None] == sets[:, None, :]).to(torch.float64)
    return same / same.sum(dim=1, keepdim=True)


def _blocks(active: Tensor, tables: Tables) -> Iterator[tuple[Tensor, ...]]:
    """Split a list of combinations so that what is held for each at once fits."""
    vertices, modes = 8 * 30 * len(tables.tetrahedra), 48 * tables.bands**2
    size = BLOCK_BYTES[active.device.type] // max(vertices, modes)
    for begin in range(0, len(active), size):
        yield active[begin : begin + size].unbind(1)
