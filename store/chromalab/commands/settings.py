"""Settings of the magics. A flag overrides `%config ChromaMagic`, which overrides pyproject.toml."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from chromalab.errors import InvalidArgumentError, near, short

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["DEFAULTS", "project_settings"]

DEFAULTS: dict[str, Any] = {"k": 10, "model": "default", "store": ""}
"""Every setting with its default, whose type is the type of the setting."""


def project_settings(folder: Path) -> tuple[dict[str, Any], Path | None]:
    """Read `[tool.chromalab.magic]` from the nearest pyproject.toml, in a folder or above it.

    Returns:
        The settings and the file; ({}, None) if the nearest file does not have that section.

    Raises:
        InvalidArgumentError: The file cannot be read, belongs to another user, or has a setting that is
            unknown or invalid.
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
            raise InvalidArgumentError(f"{name!r} in {file} must be a table; got {short(part)}.")
    if not part:
        return {}, None
    # Another user could place a file above this folder that names a store of theirs. Git guards against
    # the same with its safe.directory setting.
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
    got = short(value)
    if type(value) is not type(DEFAULTS[name]):
        kind = type(DEFAULTS[name]).__name__
        raise InvalidArgumentError(f"{name} in {file} must be of type {kind}; got {got}.")
    if name == "k" and value < 1:
        raise InvalidArgumentError(f"k in {file} must be at least 1; got {got}.")


def _store_below(file: Path, store: str) -> str:
    folder = file.parent.resolve()
    try:
        path = (folder / store).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # a NUL byte, or a loop of links
        raise InvalidArgumentError(f"store in {file} is not a valid path: {error}.") from error
    if not path.is_relative_to(folder):
        raise InvalidArgumentError(
            f"store in {file} must be inside the folder of that file; got {short(store)}. "
            "To open it anyway, %chroma connect PATH."
        )
    return str(path)
