"""One entry per structure: a cheap fingerprint first, then pymatgen's matcher where it agrees."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import chemical_symbols

from screen.core.crystal import Crystal
from screen.sources._entries import Entry
from screen.sources._items import Item

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

LARGEST_VOLUME_RATIO = 1.1
"""Structures farther apart are two phases, nearer ones two calculations: the matcher scales."""


def distinct(items: Sequence[Item]) -> list[Item]:
    """Return the entries without duplicates, in their order; the kept one names the others.

    Entries are compared only where formula, number of atoms and space group are equal, so a phase
    that is distorted by little stays apart from its parent. Of equal structures the one with the
    lowest energy above the hull is kept, then one that was observed, then the first.
    """
    from pymatgen.analysis.structure_matcher import StructureMatcher

    # the tolerances by which the Materials Project itself takes structures for equal (emmet-core)
    matcher = StructureMatcher(ltol=0.2, stol=0.3, angle_tol=5, primitive_cell=False, scale=True)
    buckets: dict[Any, list[int]] = defaultdict(list)
    for position, item in enumerate(items):
        buckets[_fingerprint(item, position)].append(position)
    found = [group for bucket in buckets.values() for group in _groups(items, bucket, matcher)]
    return [
        replace(items[first], duplicates=tuple(items[other].id for other in others))
        for first, *others in sorted(found)
    ]


def _fingerprint(item: Item, position: int) -> Any:
    """Return what equal structures share; an entry with a problem is like no other."""
    if not isinstance(item.content, Entry):
        return position
    crystal = item.content.crystal
    symbols, counts = np.unique(crystal.numbers, return_counts=True)
    return (tuple(symbols), tuple(counts), item.facts["space_group_found"])


def _groups(items: Sequence[Item], bucket: list[int], matcher: Any) -> list[list[int]]:
    """Split a bucket into groups of equal structures, the one to keep first."""
    if len(bucket) == 1:
        return [bucket]
    structures = {position: _structure(_crystal(items[position])) for position in bucket}
    groups: list[list[int]] = []
    for position in sorted(bucket, key=lambda position: (*_preference(items[position]), position)):
        for group in groups:
            pair = structures[group[0]], structures[position]
            if _similar_volume(*pair) and matcher.fit(*pair):
                group.append(position)
                break
        else:
            groups.append([position])
    return groups


def _preference(item: Item) -> tuple[float, bool]:
    """Sort key: the most stable first, then what was observed."""
    energy = item.facts.get("energy_above_hull")
    return (math.inf if energy is None else energy, item.facts.get("theoretical") is not False)


def _crystal(item: Item) -> Crystal:
    if not isinstance(item.content, Entry):
        raise TypeError(f"{item.id} has no crystal")
    return item.content.crystal


def _structure(crystal: Crystal) -> Structure:
    from pymatgen.core.structure import Structure

    return Structure(
        crystal.lattice, [chemical_symbols[n] for n in crystal.numbers], crystal.fractional
    )


def _similar_volume(first: Structure, second: Structure) -> bool:
    ratio = float(first.volume / second.volume)
    return max(ratio, 1 / ratio) < LARGEST_VOLUME_RATIO
