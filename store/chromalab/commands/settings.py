"""Settings of the magics: flag, then `%config ChromaMagic`, then pyproject.toml, then the default."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from chromalab.display import one_line
from chromalab.errors import InvalidArgumentError, near

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["DEFAULTS", "project_settings"]

DEFAULTS: dict[str, Any] = {"k": 10, "model": "default", "store": ""}
"""Every setting and its default; the type of the default is its type."""


def project_settings(folder: Path) -> tuple[dict[str, Any], Path | None]:
    """Read `[tool.chromalab.magic]` of the nearest pyproject.toml, from a folder upwards.

    Returns:
        The settings that stand there, and the file; ({}, None) where none has that section.

    Raises:
        InvalidArgumentError: the file cannot be read, is another user's, or has a setting that
            there is not or that cannot be so.
    """
    for parent in (folder, *folder.parents):
        file = parent / "pyproject.toml"
        if file.is_file():
            return _read(file)
    return {}, None


def _read(file: Path) -> tuple[dict[str, Any], Path | None]:
    try:
        with file.open("rb") as opened:
            owner = os.fstat(opened.fileno()).st_uid
            part: Any = tomllib.load(opened)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"{file} cannot be read: {error}.") from error
    for name in ("tool", "chromalab", "magic"):
        part = part.get(name, {})
        if not isinstance(part, dict):
            raise InvalidArgumentError(
                f"{name!r} in {file} must be a table; found {one_line(repr(part))}."
            )
    if not part:
        return {}, None
    # A file that another user put above this folder could name their store: git's rule of safe.directory.
    if hasattr(os, "getuid") and owner not in (os.getuid(), 0):
        raise InvalidArgumentError(f"{file} belongs to another user; its settings are ignored.")
    for name, value in part.items():
        _check(name, value, file)
    if part.get("store"):
        part["store"] = _store_below(file, part["store"])
    return part, file


def _check(name: str, value: Any, file: Path) -> None:
    if name not in DEFAULTS:
        raise InvalidArgumentError(
            f"Unknown setting {name!r} in {file}. {near(name, DEFAULTS, what='Settings')}"
        )
    found = one_line(repr(value))
    if type(value) is not type(DEFAULTS[name]):
        kind = type(DEFAULTS[name]).__name__
        raise InvalidArgumentError(f"{name} in {file} must be of type {kind}; found {found}.")
    if name == "k" and value < 1:
        raise InvalidArgumentError(f"k in {file} must be at least 1; found {found}.")


def _store_below(file: Path, store: str) -> str:
    folder = file.parent.resolve()
    try:
        path = (folder / store).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a NUL byte, or links in a circle
        raise InvalidArgumentError(f"store in {file} is not a folder: {error}.") from error
    if not path.is_relative_to(folder):
        raise InvalidArgumentError(
            f"store in {file} is {one_line(repr(store))}, outside of its folder: "
            "connect to it by hand, %chroma connect PATH"
        )
    return str(path)
