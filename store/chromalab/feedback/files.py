"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import uuid4

from chromalab.errors import InvalidArgumentError, short

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes, *, overwrite: bool) -> None:
    """Write a file beside its place, then put it there.

    Raises:
        InvalidArgumentError: there is a file already, or it cannot be written.
    """
    if path.exists() and not overwrite:
        raise InvalidArgumentError(
            f"There is a file '{path}' already. Choose another name, or say overwrite=True."
        )
    try:
        beside = path.with_name(f".{uuid4().hex}.tmp")
        try:
            beside.write_bytes(data)
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise InvalidArgumentError(f"'{path}' cannot be written: {error.strerror}.") from error
    except ValueError as error:  # no name at all, or a null character in it
        raise InvalidArgumentError(f"{short(str(path))} cannot be written: {error}.") from error
