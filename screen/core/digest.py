"""Short content digests: the identity of crystals, models, protocols and artifacts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DIGEST_LENGTH = 24  # hex digits, 96 bits: no collision among 1e9 artifacts (p ~ 1e-11)


def digest_of_arrays(*arrays: NDArray[np.generic]) -> str:
    """Digest of shapes and values; floats are rounded to 1e-10 so that −0.0 equals 0.0."""
    state = hashlib.sha256()
    for array in arrays:
        if np.issubdtype(array.dtype, np.floating):
            exact = np.round(np.asarray(array, dtype="<f8"), 10) + 0.0
        else:
            exact = np.asarray(array, dtype="<i8")
        state.update(repr(exact.shape).encode())
        state.update(np.ascontiguousarray(exact).tobytes())
    return state.hexdigest()[:DIGEST_LENGTH]


def digest_of_json(value: Mapping[str, object] | list[object]) -> str:
    """Digest of a JSON value, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]


def digest_of_file(path: Path) -> str:
    """Digest of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()[:DIGEST_LENGTH]


def digest_of_code() -> str:
    """Digest of all source files of the package ``screen``."""
    package = Path(__file__).parents[1]
    state = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        state.update(path.relative_to(package).as_posix().encode())
        state.update(path.read_bytes())
    return state.hexdigest()[:DIGEST_LENGTH]
