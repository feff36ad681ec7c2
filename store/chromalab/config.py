"""`Settings`, the options of a client, in the same module as in Chroma."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, near, short

__all__ = ["DEFAULT_DATABASE", "DEFAULT_TENANT", "Settings", "check_folder", "read_settings"]

DEFAULT_TENANT = "default_tenant"
DEFAULT_DATABASE = "default_database"

_NAMES = ("allow_reset", "is_persistent", "persist_directory", "anonymized_telemetry", "durability")
_IGNORED = (
    "chroma_api_impl",
    "chroma_memory_limit_bytes",
    "chroma_otel_collection_endpoint",
    "chroma_otel_collection_headers",
    "chroma_otel_granularity",
    "chroma_otel_service_name",
    "chroma_product_telemetry_impl",
    "chroma_segment_cache_policy",
    "chroma_server_nofile",
    "chroma_telemetry_impl",
    "environment",
    "migrations",
    "migrations_hash_algorithm",
)
"""Settings of Chroma that have no effect on a local client; they are accepted and ignored."""


def check_folder(value: Any, name: str) -> str:
    """Check the path of a store's folder, and return it as text.

    Example:
        >>> check_folder(None, "path")
        Traceback (most recent call last):
        ...
        chromalab.errors.InvalidArgumentTypeError: path must be a string or a Path; got None. Name the ...
    """
    path = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(path, str):
        raise InvalidArgumentTypeError(
            f"{name} must be a string or a Path; got {short(value)}. Name the folder of the store; is a "
            "variable unset?"
        )
    if not path or "\0" in path:
        raise InvalidArgumentError(
            f"{name} must be the name of a folder; got {short(path)}. '.' is the current folder."
        )
    return path


def read_settings(given: object | None) -> Settings:
    """Read the settings that a client was given, and return a copy: ours, or an object of chromadb's.

    The copy belongs to the same ephemeral store, if the settings come from a client of one.

    Raises:
        InvalidArgumentTypeError: The object has none of the settings.
        InvalidArgumentError: The settings are those of a client of a server.

    Example:
        >>> from types import SimpleNamespace
        >>> read_settings(SimpleNamespace(allow_reset=True, tenant_id="default")).allow_reset
        True
    """
    if isinstance(given, Settings):
        return copy.copy(given)
    values = {name: getattr(given, name) for name in _NAMES if hasattr(given, name)}
    if given is not None and not values:
        raise InvalidArgumentTypeError(
            f"settings must be Settings or None; got {short(given)}. "
            "Pass chromalab.config.Settings(...)."
        )
    return Settings(**values, chroma_api_impl=getattr(given, "chroma_api_impl", ""))


@dataclass(init=False, slots=True)
class Settings:
    """The options of a client. Values may be changed before the client is created.

    Attributes:
        allow_reset: Whether `client.reset()` may delete everything.
        is_persistent: Whether `Client` and `AdminClient` open a folder rather than a temporary store.
        persist_directory: The folder of the store.
        anonymized_telemetry: Has no effect, because chromalab never sends telemetry.
        durability: "full" for writes that survive a power failure; "normal" for faster single writes
            that survive a killed process; "off" for writes that may survive neither.

    Example:
        >>> import chromalab
        >>> from chromalab.config import Settings
        >>> client = chromalab.EphemeralClient(Settings(allow_reset=True))
        >>> client.reset()
        True
        >>> Settings(alow_reset=True)
        Traceback (most recent call last):
        ...
        chromalab.errors.InvalidArgumentError: No setting 'alow_reset'. Did you mean 'allow_reset'? ...
    """

    allow_reset: bool
    is_persistent: bool
    persist_directory: str
    anonymized_telemetry: bool
    durability: str
    _folder: Path | None = field(init=False, repr=False, compare=False)
    """The folder of the client that uses these settings, so that an `AdminClient` opens the same store."""

    def __init__(
        self,
        *,
        allow_reset: bool = False,
        is_persistent: bool = False,
        persist_directory: str | Path = "./chroma",
        anonymized_telemetry: bool = True,
        durability: str = "full",
        **others: Any,
    ) -> None:
        """Check and store the settings.

        Args:
            allow_reset: See the attributes.
            is_persistent: See the attributes.
            persist_directory: See the attributes.
            anonymized_telemetry: See the attributes.
            durability: See the attributes.
            **others: Settings of Chroma that have no effect here, such as `migrations`.

        Raises:
            InvalidArgumentError: A setting is unknown, or a value has the wrong type.
        """
        for name in others:
            if name not in _IGNORED:
                raise InvalidArgumentError(
                    f"No setting {name!r}. {near(name, _NAMES)} "
                    "Omit settings of Chroma's servers: chromalab does not use them."
                )
        if "fastapi" in str(others.get("chroma_api_impl", "")).lower():
            raise InvalidArgumentError(
                "chroma_api_impl must be that of a local client; got "
                f"{short(others['chroma_api_impl'])}, which connects to a server, as Chroma's HttpClient does. "
                "Omit it: chromalab opens the folder of a store itself."
            )
        self.allow_reset = allow_reset
        self.is_persistent = is_persistent
        if persist_directory == "" and not is_persistent:  # an ephemeral store needs no folder
            self.persist_directory = ""
        else:
            self.persist_directory = check_folder(persist_directory, "persist_directory")
        self.anonymized_telemetry = anonymized_telemetry
        self.durability = durability
        self._folder = None
        for name in ("allow_reset", "is_persistent", "anonymized_telemetry"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidArgumentError(
                    f"{name} must be True or False; got {short(getattr(self, name))}."
                )

    def __getattr__(self, name: str) -> None:
        """Answer None for a setting of Chroma's that has no effect here, such as `chroma_server_host`."""
        if name not in _IGNORED and not name.startswith("chroma_"):
            raise AttributeError(f"'Settings' object has no attribute {name!r}")

    def __getitem__(self, name: str) -> Any:
        if name not in _NAMES:
            raise InvalidArgumentError(f"No setting {short(name)}. {near(str(name), _NAMES)}")
        return getattr(self, name)
