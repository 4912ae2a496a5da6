"""Records are frozen, also where they arrive."""

import pickle

import numpy as np
import pytest

from screen.core.records import Candidate, Evaluation, Hints
from tests.crystals import rocksalt


def test_arrays_of_a_record_are_read_only_after_pickling() -> None:
    record = Evaluation(np.zeros(1), (np.zeros((2, 3)),), np.zeros((1, 3, 3)))
    arrived = pickle.loads(pickle.dumps(record))
    with pytest.raises(ValueError, match="read-only"):
        arrived.energies[0] = 1.0


def test_making_a_record_does_not_freeze_the_callers_array() -> None:
    mine = np.zeros(1)
    Evaluation(mine, (), np.zeros((1, 3, 3)))
    mine[0] = 1.0
    assert mine[0] == 1.0


def test_nested_records_survive_pickling() -> None:
    candidate = Candidate("a", "files", rocksalt(), Hints(mesh=np.array([3, 3, 3])))
    arrived = pickle.loads(pickle.dumps(candidate))
    assert arrived.crystal == candidate.crystal
    assert arrived.hints.mesh.tolist() == [3, 3, 3]
