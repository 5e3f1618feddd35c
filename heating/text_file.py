"""Text that people and Excel save: which encoding, which delimiter, and what is no text at all.

UTF-8 with or without a byte order mark, else GB18030 (what Chinese Excel writes as plain CSV); strictly, so that a
file is never read with a few characters wrong.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable
from pathlib import Path

from heating.errors import InputError

DELIMITERS = (",", ";", "\t")
# Control characters that no table contains; one of them means that the file is something else.
_FOREIGN = bytes(set(range(32)) - {9, 10, 11, 12, 13})
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # XLSX (zip), XLS (OLE)


def read_bytes(path: Path) -> bytes:
    """Return the content of a file that a person named; say plainly why it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error


def cannot_read(path: Path, error: OSError) -> InputError:
    """Return the one-line error for a file that the system does not give us."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path}: no such file")
    if isinstance(error, IsADirectoryError):
        return InputError(f"{path}: is a folder, not a file")
    return InputError(f"{path}: cannot be read ({error.strerror})")


def is_workbook(head: bytes) -> bool:
    """Tell whether a file begins like an Excel workbook."""
    return head.startswith(_WORKBOOKS)


def encoding_of(data: bytes) -> str:
    """Return `utf-8-sig`, `utf-16`, `utf-8` or `gb18030`: by the mark, else the first that fits without error.

    Raises
    ------
    ValueError
        If the bytes are no text in any of them; the text of the error says so for a person.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"  # Excel's "Unicode text"
    if data.translate(None, delete=_FOREIGN) != data:
        raise ValueError("is neither CSV text nor an Excel workbook")
    for name in ("utf-8-sig" if data.startswith(codecs.BOM_UTF8) else "utf-8", "gb18030"):
        try:
            data.decode(name)
        except UnicodeDecodeError:
            continue
        return name
    raise ValueError("is text neither in UTF-8 nor in GB18030")


def delimiter_of(header: str, known: Callable[[str], object]) -> str:
    """Return the delimiter that gives the header line the most names for which `known` is true."""

    def names(delimiter: str) -> int:
        try:
            return sum(1 for cell in next(csv.reader([header], delimiter=delimiter), []) if known(cell))
        except csv.Error:
            return 0  # who reads the lines says what is wrong with this one

    return max(DELIMITERS, key=names)
