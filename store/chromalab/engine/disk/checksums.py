"""Checksums of what a record holds, so that damage which SQLite does not see is noticed.

CRC-32, as it finds any burst of 32 flipped bits and costs a microsecond a record. It says nothing
about who changed the record: it is no signature.
"""

from __future__ import annotations

import zlib

import numpy as np

from chromalab.engine.interface import Vectors

__all__ = ["content_checksum", "vector_checksums"]


def content_checksum(*fields: str | bytes | None) -> int:
    """Checksum the texts of a record: id, document, metadata and uri, as they are stored.

    The lengths go in first, so moving a character from one field to the next changes it.

    Args:
        fields: Texts, or their UTF-8 bytes; None is not the empty text.

    Example:
        >>> content_checksum("ab", "c") == content_checksum("a", "bc")
        False
        >>> content_checksum("a", None) == content_checksum("a", "")
        False
    """
    texts = [
        field if field is None or isinstance(field, bytes) else str(field).encode()
        for field in fields
    ]
    lengths = ",".join([str(-1 if text is None else len(text)) for text in texts])
    return zlib.crc32(b"".join([lengths.encode(), b":", *filter(None, texts)]))


def vector_checksums(rows: Vectors) -> list[int]:
    """Checksum each row, as the little-endian float32 bytes that are on the disk.

    Args:
        rows: (n, dimension), float32.

    Returns:
        n numbers.

    Example:
        >>> vector_checksums(np.zeros((2, 1), dtype=np.float32))
        [558161692, 558161692]
    """
    rows = np.ascontiguousarray(rows, dtype="<f4")
    width = rows.shape[1] * rows.itemsize
    data = rows.data.cast("B") if rows.size else memoryview(b"")
    return [zlib.crc32(data[at : at + width]) for at in range(0, len(data), width)]
