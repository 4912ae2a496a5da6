"""Records as bytes and back: an .npz of plain arrays with a JSON header, never a pickle.

The header mirrors the record. Arrays stand in it as ``{"array": "a3"}`` and lie beside it as
``a3.npy``; everything that JSON cannot tell apart (tuples, records, NaN) carries a tag. The
archive's comment, its last bytes, is the SHA-256 of all bytes before it.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from screen.core import records
from screen.core.crystal import Crystal, freeze
from screen.core.errors import StoreError

FORMAT = "thermoscreen-record"
VERSION = 1
HEADER = "header.json"
_DIGEST = b"sha256:"  # and 64 hex digits
_COMMENT = len(_DIGEST) + 64
_END = b"PK\5\6"  # starts the last 22 bytes of an archive without a comment

# Symmetrised fc3 of AlN, Si, NaCl (1.8 to 4.5 MB): level 1 leaves 58, 30, 22 % at 80 to 190 MB/s,
# level 6 leaves 57, 25, 18 % at half that speed. Reading is 230 to 530 MB/s either way.
COMPRESSION_LEVEL = 1

# What zipfile and NumPy raise on garbled bytes: a flipped bit may ask for encryption.
_GARBLED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    KeyError,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,
)

Arrays = list[NDArray[Any]]
Buffer = bytes | memoryview


def write_record(record: records.Record, handle: BinaryIO) -> None:
    """Write a record; the same record always gives the same bytes.

    Raises
    ------
    StoreError
        The record holds something that is no array, text, number, record or container of them.
    """
    arrays: Arrays = []
    header = {"format": FORMAT, "version": VERSION, "record": _encoded(record, arrays, "record")}
    whole = BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        _add(archive, HEADER, json.dumps(header, allow_nan=False, ensure_ascii=False).encode())
        for index, array in enumerate(arrays):
            buffer = BytesIO()
            np.lib.format.write_array(buffer, array, allow_pickle=False)
            _add(archive, f"a{index}.npy", buffer.getvalue())
        archive.comment = bytes(_COMMENT)
    content = whole.getbuffer()[:-_COMMENT]
    handle.write(content)
    handle.write(_comment(content))


def read_record(handle: BinaryIO) -> records.Record:
    """Read a record that ``write_record`` has written; its arrays are read-only.

    Raises
    ------
    StoreError
        The bytes are truncated or garbled, or a newer program wrote them.
    """
    try:
        with zipfile.ZipFile(handle) as archive:
            header = json.loads(archive.read(HEADER))
            arrays = [_array(archive, index) for index in range(len(archive.namelist()) - 1)]
            if len(archive.comment) not in {0, _COMMENT}:
                raise zipfile.BadZipFile("its last bytes are missing")
    except _GARBLED as error:
        raise StoreError(f"truncated or garbled ({error})") from error
    return _checked(header, arrays)


def check_bytes(content: bytes) -> None:
    """Compare a record's bytes with the digest at their end.

    A record of an earlier program has no digest; it is read in full, which compares checksums.

    Raises
    ------
    StoreError
        A byte is not what was written.
    """
    body, comment = content[:-_COMMENT], content[-_COMMENT:]
    if comment.startswith(_DIGEST):
        if _comment(body) != comment:
            raise StoreError("its content does not have the digest that it was written with")
        return
    with BytesIO(content) as handle:
        read_record(handle)
    if not content[-len(_END) - 18 :].startswith(_END) or content[-2:] != b"\0\0":
        raise StoreError("the digest that it was written with is garbled or missing")


def _comment(body: Buffer) -> bytes:
    """Digest of a record's bytes."""
    return _DIGEST + hashlib.sha256(body).hexdigest().encode()


def _checked(header: Any, arrays: Arrays) -> records.Record:
    """Decode a header of a known format and version."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise StoreError("no Thermoscreen record")
    if header.get("version") != VERSION:
        raise StoreError(
            f"written in format version {header.get('version')}, this program reads {VERSION}; "
            "upgrade Thermoscreen"
        )
    try:
        record = _decoded(header["record"], arrays)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise StoreError(f"its header does not describe a record ({error})") from error
    if not isinstance(record, records.Record):
        raise StoreError(f"holds {type(record).__name__}, which is no record")
    return record


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add an entry without a time stamp."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, compresslevel=COMPRESSION_LEVEL)


def _array(archive: zipfile.ZipFile, index: int) -> NDArray[Any]:
    """Read one array, read-only."""
    content = BytesIO(archive.read(f"a{index}.npy"))
    array: NDArray[Any] = np.lib.format.read_array(content, allow_pickle=False)
    freeze(array)
    return array


def _encoded(value: Any, arrays: Arrays, where: str) -> Any:
    """Turn a value into JSON; its arrays are appended to ``arrays``."""
    if isinstance(value, np.ndarray | np.generic):
        return _encoded_array(value, arrays, where)
    if isinstance(value, float):
        return value if math.isfinite(value) else {"float": repr(value)}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple | dict):
        return _encoded_container(value, arrays, where)
    if type(value).__name__ not in _classes():
        raise StoreError(f"{where} holds {type(value).__name__}, which an artifact cannot hold")
    inner = {
        item.name: _encoded(getattr(value, item.name), arrays, f"{where}.{item.name}")
        for item in fields(value)
    }
    return {"class": type(value).__name__, "fields": inner}


def _encoded_container(
    value: list[Any] | tuple[Any, ...] | dict[Any, Any], arrays: Arrays, where: str
) -> Any:
    """Encode a list as itself, a tuple and a mapping with a tag."""
    if isinstance(value, dict):
        items = [[key, _encoded(item, arrays, f"{where}[{key!r}]")] for key, item in value.items()]
        return {"dict": items}
    items = [_encoded(item, arrays, f"{where}[{index}]") for index, item in enumerate(value)]
    return {"tuple": items} if isinstance(value, tuple) else items


def _encoded_array(value: NDArray[Any] | np.generic, arrays: Arrays, where: str) -> dict[str, int]:
    """Set an array or NumPy scalar aside and return its place."""
    array = np.asarray(value)
    if array.dtype.hasobject:
        raise StoreError(f"{where} is an array of Python objects, which an artifact cannot hold")
    arrays.append(array)
    return {"scalar" if isinstance(value, np.generic) else "array": len(arrays) - 1}


def _decoded(value: Any, arrays: Arrays) -> Any:
    """Reverse ``_encoded``."""
    if isinstance(value, list):
        return [_decoded(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    (tag, content), *rest = value.items()
    if tag == "class":
        inner = dict(rest)["fields"]
        return _class(content)(**{key: _decoded(item, arrays) for key, item in inner.items()})
    return _UNTAG[tag](content, arrays)


_UNTAG: Mapping[str, Callable[[Any, Arrays], Any]] = {
    "array": lambda content, arrays: arrays[content],
    "scalar": lambda content, arrays: arrays[content][()],
    "float": lambda content, _: float(content),
    "tuple": lambda content, arrays: tuple(_decoded(item, arrays) for item in content),
    "dict": lambda content, arrays: {key: _decoded(item, arrays) for key, item in content},
}


def _classes() -> dict[str, type[Any]]:
    """Return all record classes by name, those of property files included once imported."""
    found: dict[str, type[Any]] = {"Crystal": Crystal}
    waiting = [records.Record]
    while waiting:
        for subclass in waiting.pop().__subclasses__():
            found.setdefault(subclass.__name__, subclass)
            waiting.append(subclass)
    return found


def _class(name: str) -> type[Any]:
    """Find a record class by name."""
    known = _classes()
    if name not in known:
        raise StoreError(
            f"holds a {name!r}, which this program does not know; upgrade Thermoscreen"
        )
    return known[name]
