"""The scattering sums in plain torch: any device, no compiler, the same numbers as ``kernels``."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from screen.core.crystal import FloatArray, IntArray
from screen.wigner.tables import Tables
from screen.wigner.tetrahedron import vertex_weights

BLOCK = {"cpu": 1024, "cuda": 1 << 20}  # combinations of bands at once


def add_triplets(
    tables: Tables,
    point: int,
    amplitudes: Tensor,
    first: IntArray,
    second: IntArray,
    multiplicity: FloatArray,
    gamma: Tensor,
) -> None:
    """Add Σ |V|² [(n'+n''+1) δ(f−f'−f'') + (n'−n'') (δ(f+f'−f'') − δ(f−f'+f''))]/(f'f'').

    ``amplitudes`` (m, nb', nb, nb''); ``first``, ``second`` and ``multiplicity`` (m,) of the
    triplets; ``gamma`` (nb, nT) is changed.
    """
    device, nb = amplitudes.device, tables.bands
    p = torch.as_tensor(first, device=device)
    q = torch.as_tensor(second, device=device)
    square = _averaged(amplitudes.real**2 + amplitudes.imag**2, tables, p, q)
    square *= torch.as_tensor(multiplicity, device=device)[:, None, None, None]
    square *= tables.inverse[p][:, :, None, None] * tables.inverse[q][:, None, None, :]
    target = tables.levels[point]
    low1, high1 = tables.bounds_plus[p][:, :, None, None].unbind(-1)
    low2, high2 = tables.bounds_minus[q][:, None, None].unbind(-1)
    n = tables.occupations
    for kind, (one, two) in enumerate(((1, 1), (-1, 1), (1, -1))):
        low = (low1 if one > 0 else -high1) + (low2 if two > 0 else -high2)
        high = (high1 if one > 0 else -low1) + (high2 if two > 0 else -low2)
        w = target[None, None, :, None]
        active = ((low <= w) & (w <= high) & (square > 0)).nonzero()
        for t, a, s, b in _blocks(active):
            vertices = (one * tables.plus[p[t], a] + two * tables.minus[q[t], b]).T.contiguous()
            weight = _weights(target[s], vertices, tables.tetrahedra) * square[t, a, s, b]
            n1, n2 = n[p[t] * nb + a], n[q[t] * nb + b]
            factor = n1 + n2 + 1 if kind == 0 else (n1 - n2 if kind == 1 else n2 - n1)
            gamma.index_add_(0, s, weight[:, None] * factor)


def add_isotopes(tables: Tables, point: int, variances: Tensor, gamma: Tensor) -> None:
    """Add Σ_q's' Σ_atoms g |e*·e'|² δ(f − f') to ``gamma`` (nb,); ``variances`` g (n_atoms,)."""
    target = tables.levels[point]
    low, high = tables.bounds[:, :, None].unbind(-1)
    active = (low <= target) & (target <= high) & (tables.inverse > 0)[:, :, None]
    for p, a, s in _blocks(active.nonzero()):
        weight = _weights(target[s], tables.around[p, a].T.contiguous(), tables.tetrahedra)
        overlap = torch.einsum(
            "mkx,mikx->mik", tables.eigenvectors[point][s].conj(), tables.eigenvectors[p]
        )
        square = (overlap.real**2 + overlap.imag**2) @ variances  # (m, nb')
        same = (tables.sets[p] == tables.sets[p, a][:, None]).to(square.dtype)
        gamma.index_add_(0, s, weight * (square * same).sum(1) / same.sum(1))


def _weights(target: Tensor, vertices: Tensor, tetrahedra: Tensor) -> Tensor:
    inside = (vertices.amin(0) <= target) & (target <= vertices.amax(0))
    return torch.where(inside, vertex_weights(target, vertices, tetrahedra), 0.0)


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


def _blocks(active: Tensor) -> Iterator[tuple[Tensor, ...]]:
    size = BLOCK.get(active.device.type, BLOCK["cpu"])
    for begin in range(0, len(active), size):
        yield active[begin : begin + size].unbind(1)
