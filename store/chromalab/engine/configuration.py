"""The configuration of a collection: parsing, validation, and the changes allowed later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chromalab.errors import InvalidArgumentError, near, short

__all__ = ["SPACES", "changed_configuration", "is_sound", "new_configuration"]

SPACES = ("l2", "cosine", "ip")

_HNSW: dict[str, Any] = {
    "space": "l2",
    "ef_construction": 100,
    "ef_search": 100,
    "max_neighbors": 16,
    "resize_factor": 1.2,
    "sync_threshold": 1000,
}
_HNSW_OPTIONAL = ("num_threads", "batch_size", "target_recall")
_HNSW_CHANGEABLE = (
    "ef_search",
    "num_threads",
    "batch_size",
    "sync_threshold",
    "resize_factor",
    "max_neighbors",
    "target_recall",
)
_SPANN = (
    "space",
    "search_nprobe",
    "write_nprobe",
    "ef_construction",
    "ef_search",
    "max_neighbors",
    "reassign_neighbor_count",
    "split_threshold",
    "merge_threshold",
)
_LEAST = {"max_neighbors": 2}  # with 1, hnswlib draws endless levels
_MOST = {
    "max_neighbors": 1024,
    "ef_construction": 100_000,
    "ef_search": 1_000_000,
    "num_threads": 1024,
}
_INT64 = 2**63 - 1
_LEGACY = {
    "hnsw:space": "space",
    "hnsw:construction_ef": "ef_construction",
    "hnsw:M": "max_neighbors",
    "hnsw:search_ef": "ef_search",
    "hnsw:num_threads": "num_threads",
    "hnsw:batch_size": "batch_size",
    "hnsw:sync_threshold": "sync_threshold",
    "hnsw:resize_factor": "resize_factor",
}


def new_configuration(
    configuration: Mapping[str, Any] | None,
    metadata: Mapping[str, Any] | None,
    embedding_function: dict[str, Any] | None,
    default_space: str,
) -> dict[str, Any]:
    """Build the configuration that is stored with a new collection.

    Args:
        configuration: `{"hnsw": {...}}` or `{"spann": {...}}`; of the latter, the space is used, as in
            local Chroma.
        metadata: The collection's metadata; Chroma's legacy `hnsw:...` keys in it are honored.
        embedding_function: The embedding function as stored.
        default_space: The space if none is given.

    Returns:
        `{"hnsw": ..., "spann": None, "embedding_function": ...}`.

    Raises:
        InvalidArgumentError: Both kinds are given, a key is unknown, or a value is out of range.
    """
    given = _sections(configuration)
    if given.get("hnsw") is not None and given.get("spann") is not None:
        raise InvalidArgumentError(
            "hnsw and spann cannot both be provided in the configuration. Provide one of them."
        )
    legacy = {key: (metadata or {})[old] for old, key in _LEGACY.items() if old in (metadata or {})}
    hnsw = {**legacy, **(given.get("hnsw") or {})}
    if given.get("spann") is not None:
        spann = _checked("spann", given["spann"], _SPANN)
        hnsw = {key: value for key, value in spann.items() if key == "space"}
    hnsw = _checked("hnsw", hnsw, (*_HNSW, *_HNSW_OPTIONAL))
    return {
        "hnsw": {**_HNSW, "space": default_space, **hnsw},
        "spann": None,
        "embedding_function": embedding_function,
    }


def changed_configuration(stored: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Build the configuration after `modify(configuration=change)`, or after a change of the schema.

    Raises:
        InvalidArgumentError: A key cannot change once the collection exists.
    """
    result = dict(stored)
    if "schema" in change:
        result["schema"] = change["schema"]
        change = {section: values for section, values in change.items() if section != "schema"}
    for section, values in _sections(change).items():
        if section == "embedding_function":
            raise InvalidArgumentError(
                "The embedding function of a collection cannot change, as its records were embedded with "
                "it. Create a new collection and add the documents there."
            )
        allowed = _HNSW_CHANGEABLE if section == "hnsw" else ()
        if values is not None and stored.get(section) is None:
            raise InvalidArgumentError(f"This collection has no {section} configuration to change.")
        for key in values or {}:
            if key not in (*_HNSW, *_HNSW_OPTIONAL, *_SPANN):
                raise InvalidArgumentError(
                    f"Unknown {section} key {short(key)}. {near(str(key), allowed, what='Keys', limit=20)}"
                )
            if key not in allowed:
                raise InvalidArgumentError(
                    f"{section}.{key} cannot change once the collection exists. "
                    f"Keys that can change: {', '.join(allowed)}."
                )
        result[section] = {**(stored[section] or {}), **_checked(section, values or {}, allowed)}
    return result


def is_sound(configuration: Mapping[str, Any]) -> bool:
    """Whether a stored configuration is valid."""
    section = "hnsw" if configuration["hnsw"] else "spann"
    known = (*_HNSW, *_HNSW_OPTIONAL) if section == "hnsw" else _SPANN
    try:
        return isinstance(configuration.get("schema"), dict | None) and (
            "space" in _checked(section, configuration[section], known)
        )
    except InvalidArgumentError:
        return False


def _sections(configuration: Any) -> dict[str, Any]:
    if configuration is None:
        return {}
    known = ("hnsw", "spann", "embedding_function")
    if not isinstance(configuration, Mapping):
        raise InvalidArgumentError(
            f"configuration must be a dict with {', '.join(known)}; got {configuration!r}."
        )
    for section in configuration:
        if section not in known:
            raise InvalidArgumentError(
                f"Unknown configuration {section!r}. {near(str(section), known, what='Known')}"
            )
    return dict(configuration)


def _checked(section: str, values: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise InvalidArgumentError(f"{section} must be a dict; got {values!r}.")
    for key, value in values.items():
        if key not in known:
            raise InvalidArgumentError(
                f"Unknown {section} key {key!r}. {near(str(key), known, what='Keys', limit=20)}"
            )
        if key == "space":
            if value not in SPACES:
                raise InvalidArgumentError(
                    f"Space {short(value)} is not supported. {near(str(value), SPACES, what='Spaces')}"
                )
        elif key == "target_recall":
            if not _positive(value, float) or value > 1:
                raise InvalidArgumentError(
                    f"{section}.target_recall must be above 0 and at most 1; got {value!r}."
                )
        elif not _positive(value, float if key == "resize_factor" else int):
            raise InvalidArgumentError(
                f"{section}.{key} must be a number above 0; got {short(value)}."
            )
        elif not _LEAST.get(key, 0) <= value <= _MOST.get(key, _INT64):
            raise InvalidArgumentError(
                f"{section}.{key} must be between {_LEAST.get(key, 1)} and {_MOST.get(key, _INT64):,}; "
                f"got {short(value)}."
            )
    return dict(values)


def _positive(value: Any, kind: type) -> bool:
    kinds = (int, float) if kind is float else (int,)
    return isinstance(value, kinds) and not isinstance(value, bool) and value > 0
