"""Weights of the linear tetrahedron method, as seen from the central vertex."""

from __future__ import annotations

import torch
from torch import Tensor

TIE = 1e-10  # THz; closer vertices count as equal


def vertex_weights(target: Tensor, vertices: Tensor, tetrahedra: Tensor) -> Tensor:
    """Weight of the central vertex in the mesh average of δ(ω − F), (m,) 1/THz.

    ``target`` ω (m,) THz; ``vertices`` F (nv, m) THz, the centre first; ``tetrahedra`` (nt, 3)
    the other three vertices. Each tetrahedron has 1/6 of a cell and each cell appears in 24/6 of
    them, so the sum over all centres integrates δ exactly as one weight per mesh point does.

    With v₀ ≤ … ≤ v₃ and f_nm = (ω − v_m)/(v_n − v_m): the density g(ω) and the share I of the
    centre of Blöchl, Jepsen and Andersen (PRB 49, 16223, 1994), in half-open intervals (ties
    matter at points of high symmetry). Regions 1 and 3 are mirror images.
    """
    w = target[None]
    c = vertices[:1]
    x, y, z = (vertices[tetrahedra[:, k]] for k in range(3))
    x, y = torch.minimum(x, y), torch.maximum(x, y)
    x, z = torch.minimum(x, z), torch.maximum(x, z)
    y, z = torch.minimum(y, z), torch.maximum(y, z)
    is0, is2, is3 = c <= x, c > y, c > z  # rank of the centre
    v0 = torch.minimum(c, x)
    v1 = torch.minimum(torch.maximum(c, x), y)
    v2 = torch.minimum(torch.maximum(c, y), z)
    v3 = torch.maximum(c, z)
    p0, p1, p2, p3 = w - v0, w - v1, v2 - w, v3 - w
    low, high = p1 < 0, p2 <= 0
    i30, i20, i31 = _inverse(v3 - v0), _inverse(v2 - v0), _inverse(v3 - v1)
    middle = _inverse(torch.where(low, v1 - v0, torch.where(high, v3 - v2, v2 - v1)))
    f20, f13, f30, f03 = p0 * i20, p3 * i31, p0 * i30, p3 * i30
    below, above = p1 * middle, p2 * middle  # f21 and f12 in the middle region
    g20, g13 = p2 * i20, p1 * i31
    share_low = torch.where(
        is0, g20 - below + f03, torch.where(is3, f30, torch.where(is2, f20, p0 * middle))
    )
    share_high = torch.where(
        is3, g13 - above + f30, torch.where(is0, f03, torch.where(is2, p3 * middle, f13))
    )
    a, b = above * f20, below * f13
    inner = torch.where(is2, below * (a + b) + f20 * a, above * (a + b) + f13 * b)
    outer = torch.where(is0, f03 * (a + b) + g20 * a, f30 * (a + b) + g13 * b)
    share = torch.where(is0 | is3, outer, inner)
    share = torch.where(high, f13 * p3 * middle * share_high, share)
    share = torch.where(low, f20 * p0 * middle * share_low, share)
    inside = (p0 >= 0) & (p3 > 0)
    return torch.where(inside, share * i30, 0.0).sum(dim=0) * (4 / len(tetrahedra))


def _inverse(difference: Tensor) -> Tensor:
    return torch.where(difference < TIE, 0.0, 1 / difference)
