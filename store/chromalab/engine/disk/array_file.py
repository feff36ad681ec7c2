"""Files of arrays in the folder of indexes: derived from the records, and disposable.

    magic, length of the header, header (JSON), the arrays in order, BLAKE2b of everything before

A file is written as a whole and used only if every byte is as written. Where that fails, the owner
derives the arrays again.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import mmap
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.engine.disk.folder import hold, sync_folder
from chromalab.files import rename, sync

__all__ = ["WRONG", "ArrayFile", "Arrays", "Unusable"]

Arrays = dict[str, NDArray[Any]]

WRONG = (KeyError, TypeError, ValueError, IndexError, RuntimeError, ArithmeticError, MemoryError)
"""What reading a malformed file raises."""

_DIGEST = 32
_BLOCK = 1 << 24
_ALIGNED = 8  # bytes, so that arrays of numbers of descending size can be used where they are

_PLAIN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PLAIN


class Unusable(Exception):
    """The file is damaged or belongs to other records; `client.check()` reports the reason."""


@dataclass(frozen=True)
class ArrayFile:
    """A file of named arrays with a header.

    Attributes:
        path: Where it is.
        magic: Its first bytes, which name the format.
    """

    path: Path
    magic: bytes

    def stamp(self) -> tuple[int, int, int] | None:
        """Identify the file; a new one has another stamp. None if there is none."""
        try:
            found = os.stat(self.path, follow_symlinks=False)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def write(self, header: Mapping[str, Any], arrays: Arrays) -> None:
        """Save arrays; readers see either the old file or the new one, complete.

        Raises:
            OSError: The disk is full, or the folder is not writable.
        """
        sizes = {name: len(array) for name, array in arrays.items()}
        self.write_parts({**header, "sizes": sizes}, (a.tobytes() for a in arrays.values()))

    def write_parts(self, header: Mapping[str, Any], parts: Iterable[bytes | memoryview]) -> None:
        """Save arrays of which there is one part at a time, like `write`.

        Args:
            header: The header, with "sizes": the length of each array, by name.
            parts: The bytes of the arrays, in their order.
        """
        text = json.dumps(header).encode()
        text += b" " * (-(len(self.magic) + 8 + len(text)) % _ALIGNED)
        start = (self.magic, len(text).to_bytes(8, "little"), text)
        digest = hashlib.blake2b(digest_size=_DIGEST)
        self.path.parent.mkdir(exist_ok=True)
        draft = self._draft()
        try:
            with os.fdopen(os.open(draft, _NEW, 0o666), "wb") as file:
                hold(file.fileno())
                for part in itertools.chain(start, parts):
                    digest.update(part)
                    file.write(part)
                file.write(digest.digest())
                file.flush()
                sync(file.fileno())
            rename(draft, self.path)
        except FileNotFoundError:
            return  # the collection was deleted or compacted, and its files removed, in the meantime
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(self.path.parent)

    def read(
        self, kinds: Mapping[str, str], most: int, *, mapped: bool = False
    ) -> tuple[dict[str, Any], Arrays]:
        """Load the header and the arrays.

        Args:
            kinds: The dtype of each array, in the order in which they were written; one that starts
                with "=" is a key of the header that has the dtype.
            most: The largest size in bytes that the file could need to have.
            mapped: Whether the arrays stay in the file and are read when they are used.

        Raises:
            Unusable: Anything in the file is wrong.
        """
        body = memoryview(self._mapped(most) if mapped else self._whole(most))
        digest = hashlib.blake2b(digest_size=_DIGEST)
        end = max(0, len(body) - _DIGEST)
        for start in range(0, end, _BLOCK):
            digest.update(body[start : min(start + _BLOCK, end)])
        if digest.digest() != body[end:]:
            raise Unusable("its checksum is wrong")
        try:
            at = len(self.magic) + 8
            if body[: len(self.magic)] != self.magic:
                raise Unusable("it has another format")
            length = int.from_bytes(body[len(self.magic) : at], "little")
            header = json.loads(bytes(body[at : min(at + length, end)]))
            at += length
            arrays = {}
            for name, kind in kinds.items():
                dtype = np.dtype(header[kind[1:]] if kind.startswith("=") else kind)
                arrays[name] = np.frombuffer(body[:end], dtype, header["sizes"][name], at)
                at += arrays[name].nbytes
        except WRONG as error:
            raise Unusable("it is malformed") from error
        return header, arrays

    def copy_to(self, other: ArrayFile, most: int) -> None:
        """Copy the file, if there is one that is no larger than `most` bytes."""
        draft = other._draft()
        with suppress(OSError, Unusable):
            blocks = self._blocks(most)
            with os.fdopen(os.open(draft, _NEW, 0o666), "wb") as file:
                hold(file.fileno())
                file.writelines(blocks)
            rename(draft, other.path)

    def damage(self) -> str | None:
        """Describe what is wrong with the bytes of the file; None if nothing is, or if it is missing."""
        if self.stamp() is None:
            return None
        digest, last = hashlib.blake2b(digest_size=_DIGEST), b""
        try:
            for block in self._blocks(None):
                last += block
                digest.update(last[:-_DIGEST])
                last = last[-_DIGEST:]
        except Unusable as error:
            return str(error)
        if digest.digest() != last:
            return "its checksum is wrong"
        return None

    def _draft(self) -> Path:
        """A path beside the file, with a name that cannot be predicted."""
        return self.path.with_name(f"{self.path.name}.tmp-{secrets.token_hex(8)}")

    def _mapped(self, most: int) -> mmap.mmap | bytes:
        handle = self._open(most)
        try:
            return mmap.mmap(handle, 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:  # it is empty, or cannot be mapped here
            raise Unusable(f"it cannot be read: {error}") from error
        finally:
            os.close(handle)

    def _whole(self, most: int) -> bytearray:
        content = bytearray()  # unlike joined blocks, it is in memory once
        for block in self._blocks(most):
            content += block
        return content

    def _blocks(self, most: int | None) -> Iterator[bytes]:
        handle = self._open(most)
        try:
            while block := os.read(handle, _BLOCK):
                yield block
        except OSError as error:
            raise Unusable(f"it cannot be read: {error.strerror}") from error
        finally:
            os.close(handle)

    def _open(self, most: int | None) -> int:
        """Open a regular file that is no larger than it could need to be."""
        try:
            handle = os.open(self.path, os.O_RDONLY | _PLAIN)
        except OSError as error:
            raise Unusable(f"it cannot be read: {error.strerror}") from error
        found = os.fstat(handle)
        if stat.S_ISREG(found.st_mode) and (most is None or found.st_size <= most):
            return handle
        os.close(handle)
        regular = stat.S_ISREG(found.st_mode)
        raise Unusable("it is too large" if regular else "it is not a regular file")
