"""`Settings`, where Chroma has it too: how a client is to be opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chromalab.errors import InvalidArgumentError, near, short

__all__ = ["DEFAULT_DATABASE", "DEFAULT_TENANT", "Settings"]

DEFAULT_TENANT = "default_tenant"
DEFAULT_DATABASE = "default_database"

_NAMES = ("allow_reset", "is_persistent", "persist_directory", "anonymized_telemetry", "durability")
_IGNORED = (
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
"""Chroma's settings that change nothing about the answers of a local client."""


@dataclass(init=False, slots=True)
class Settings:
    """How a client is opened. A value may be changed before the client is made.

    Attributes:
        allow_reset: Whether `client.reset()` may delete everything.
        is_persistent: Whether `Client` and `AdminClient` open a folder, or a store that goes with them.
        persist_directory: The folder.
        anonymized_telemetry: Without effect: nothing is ever sent.
        durability: "full": what a call wrote survives a power cut. "normal": it survives a killed
            process, and single writes are quicker. "off": neither.

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
    """Of the client that has these settings, so that an AdminClient made with them finds its store."""

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
        """Check and keep the settings.

        Args:
            allow_reset: See the attributes.
            is_persistent: See the attributes.
            persist_directory: See the attributes.
            anonymized_telemetry: See the attributes.
            durability: See the attributes.
            **others: Settings of Chroma's that change nothing here, such as `migrations`.

        Raises:
            InvalidArgumentError: there is no such setting, or a value is of another type.
        """
        for name in others:
            if name not in _IGNORED:
                raise InvalidArgumentError(
                    f"No setting {name!r}. {near(name, _NAMES)}. "
                    "Settings of Chroma's servers play no part here: leave them out."
                )
        self.allow_reset = allow_reset
        self.is_persistent = is_persistent
        self.persist_directory = str(persist_directory)
        self.anonymized_telemetry = anonymized_telemetry
        self.durability = durability
        self._folder = None
        for name in ("allow_reset", "is_persistent", "anonymized_telemetry"):
            if not isinstance(getattr(self, name), bool):
                raise InvalidArgumentError(
                    f"{name} is True or False; found {short(getattr(self, name))}."
                )

    def __getitem__(self, name: str) -> Any:
        if name not in _NAMES:
            raise InvalidArgumentError(f"No setting {short(name)}. {near(str(name), _NAMES)}")
        return getattr(self, name)
