"""Embedding functions by name, and how a collection stores which one it uses.

The stored form is Chroma's JSON: `{"type": "known", "name": ..., "config": {...}}`, or
`{"type": "legacy"}` for a function without a name.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from typing import Any, TypeVar, overload

from chromalab.embed.protocol import EmbeddingFunction, name_of
from chromalab.errors import ChromalabError, EmbeddingFunctionError, near

__all__ = [
    "MINILM_NAMES",
    "check_conflict",
    "from_config",
    "known_embedding_functions",
    "register_class_of",
    "register_embedding_function",
    "register_sparse_embedding_function",
    "sparse_known_embedding_functions",
    "to_config",
]

known_embedding_functions: dict[str, type[Any]] = {}
"""Every registered class by name."""
sparse_known_embedding_functions: dict[str, type[Any]] = {}
"""Every registered class of sparse embedding functions by name."""

_NEEDED = ("name", "get_config", "build_from_config")
_LEGACY = {"type": "legacy"}
_CHROMA = "chromadb.utils.embedding_functions"
MINILM_NAMES = {"default", "minilm", "onnx_mini_lm_l6_v2"}  # one model with the same vectors

C = TypeVar("C", bound=type[Any])


@overload
def register_embedding_function(ef_class: C) -> C: ...
@overload
def register_embedding_function(ef_class: None = None) -> Callable[[C], C]: ...
def register_embedding_function(ef_class: C | None = None) -> C | Callable[[C], C]:
    """Register a class by its `name()`, so that collections that use it open without passing it.

    If the name is already registered, the new class replaces the old one, because a notebook cell
    may run twice.

    Args:
        ef_class: The class to register. Without one, a decorator is returned.

    Returns:
        The class, unchanged.

    Raises:
        EmbeddingFunctionError: The class lacks `name`, `get_config` or `build_from_config`.

    Example:
        >>> @register_embedding_function
        ... class Length(EmbeddingFunction):
        ...     def __call__(self, input):
        ...         return [[len(text)] for text in input]
        ...     @staticmethod
        ...     def name():
        ...         return "length"
        ...     def get_config(self):
        ...         return {}
        ...     @staticmethod
        ...     def build_from_config(config):
        ...         return Length()
        >>> from_config({"type": "known", "name": "length", "config": {}})(["abc"])
        array([[3.]], dtype=float32)
        >>> del known_embedding_functions["length"]
    """
    if ef_class is None:
        return register_embedding_function
    return _register(ef_class, known_embedding_functions)


@overload
def register_sparse_embedding_function(ef_class: C) -> C: ...
@overload
def register_sparse_embedding_function(ef_class: None = None) -> Callable[[C], C]: ...
def register_sparse_embedding_function(ef_class: C | None = None) -> C | Callable[[C], C]:
    """Register a class of sparse embedding functions, as `register_embedding_function` does.

    Args:
        ef_class: The class to register. Without one, a decorator is returned.

    Returns:
        The class, unchanged.

    Raises:
        EmbeddingFunctionError: The class lacks `name`, `get_config` or `build_from_config`.
    """
    if ef_class is None:
        return register_sparse_embedding_function
    return _register(ef_class, sparse_known_embedding_functions)


def _register(ef_class: C, known: dict[str, type[Any]]) -> C:
    missing = [method for method in _NEEDED if _lacks(ef_class, method)]
    if missing:
        raise EmbeddingFunctionError(
            f"{ef_class.__name__} cannot be registered without {', '.join(missing)}. A collection "
            "stores the name and configuration, and rebuilds the function from them."
        )
    try:
        name = ef_class.name()
    except TypeError as error:
        raise EmbeddingFunctionError(
            f"{ef_class.__name__}.name must be a staticmethod or classmethod; calling it on the class "
            f"failed: {error}."
        ) from error
    if not isinstance(name, str) or not name:
        raise EmbeddingFunctionError(
            f"{ef_class.__name__}.name() must return a non-empty str; got {name!r}."
        )
    known[name] = ef_class
    return ef_class


def register_class_of(
    function: object | None, known: dict[str, type[Any]] = known_embedding_functions
) -> None:
    """Register the class of a function that a collection was given, so that the next one finds it.

    chromalab's own classes stay registered, whatever is given under their names.

    Args:
        function: The function.
        known: The classes by name; `sparse_known_embedding_functions` for a sparse function.
    """
    if (to_config(function) or {}).get("type") != "known":
        return
    name, ef_class = name_of(function), type(function)
    registered = known.get(str(name))
    if registered is None or not registered.__module__.startswith("chromalab."):
        known[str(name)] = ef_class


def to_config(function: object | None) -> dict[str, Any] | None:
    """Describe an embedding function in the form that a collection stores.

    A function that is not derived from chromalab's class is described without being built again, which
    may need a key that only its caller has; if it cannot describe itself, it is "legacy", as in Chroma.

    Returns:
        JSON of type "known" or "legacy", or None if there is no function.

    Raises:
        EmbeddingFunctionError: The configuration cannot be stored as JSON or contains a secret, or a
            class was passed instead of an instance.

    Example:
        >>> to_config(len)
        {'type': 'legacy'}
    """
    if function is None:
        return None
    _refuse_class(function)
    try:
        name, config = _described(function)
    except Exception:
        if isinstance(function, EmbeddingFunction):
            raise
        return dict(_LEGACY)
    if name is None or config is NotImplemented:
        return dict(_LEGACY)
    try:
        plain = json.loads(json.dumps(config))
    except (TypeError, ValueError) as error:
        raise EmbeddingFunctionError(
            f"The configuration of {name!r} cannot be stored as JSON: {error}."
        ) from error
    if secret := _secret_in(plain):
        raise EmbeddingFunctionError(
            f"The configuration of {name!r} contains a secret under {secret!r}, which a collection "
            f"would store as plain text. Put it in an environment variable and pass the variable's "
            f"name, as in {secret.rpartition('.')[2]}_env_var."
        )
    return {"type": "known", "name": name, "config": config}


def from_config(config: dict[str, Any] | None, *, sparse: bool = False) -> Any | None:
    """Build the embedding function from the form that a collection stores.

    Args:
        config: What is stored.
        sparse: Whether it is a sparse embedding function.

    Returns:
        The function, or None if none is stored or if its type is "legacy", which callers must
        pass themselves.

    Raises:
        EmbeddingFunctionError: The name is registered neither here nor with chromadb, if that is
            loaded, or the function cannot be built here.

    Example:
        >>> from_config({"type": "known", "name": "default", "config": {}}).name()
        'default'
    """
    if config is None or config.get("type") != "known":
        return None
    name = config["name"]
    ours = sparse_known_embedding_functions if sparse else known_embedding_functions
    registry = f"{'sparse_' if sparse else ''}known_embedding_functions"
    chroma = getattr(sys.modules.get(_CHROMA), registry, {})
    ef_class = ours.get(name) or chroma.get(name)
    if ef_class is None:
        known = near(name, ours, what="Known")
        raise EmbeddingFunctionError(
            f"The collection uses embedding function {name!r}, which is not registered here. "
            f"Import the module that registers it ({_CHROMA} for those of Chroma), or pass "
            f"embedding_function=. {known}"
        )
    try:
        return ef_class.build_from_config(config.get("config", {}))
    except ChromalabError:
        raise
    except Exception as error:  # such as a variable without its key, or a package that is missing
        raise EmbeddingFunctionError(
            f"The collection's embedding function {name!r} could not be built: "
            f"{str(error).rstrip('.')}. Provide what it needs, or pass embedding_function=."
        ) from error


def check_conflict(given: object | None, persisted: dict[str, Any] | None) -> None:
    """Refuse a function that differs from the one a collection was created with.

    As in Chroma, "default" counts as not passing a function. All names of MiniLM count as the same
    function.

    Args:
        given: The function that the caller passed.
        persisted: The stored configuration.

    Raises:
        EmbeddingFunctionError: The two differ, or a class was passed instead of an instance.

    Example:
        >>> from chromalab.embed import WordLlama
        >>> check_conflict(WordLlama(), {"type": "known", "name": "minilm", "config": {}})
        Traceback (most recent call last):
        chromalab.errors.EmbeddingFunctionError: The collection was created with embedding function...
    """
    _refuse_class(given)
    stored = (persisted or {}).get("name")
    if given is None or stored is None:
        return
    name = name_of(given)
    if name not in ("default", stored) and not {name, stored} <= MINILM_NAMES:
        raise EmbeddingFunctionError(
            f"The collection was created with embedding function {stored!r}; got "
            f"{name or type(given).__name__!r}, whose vectors cannot be compared with it. Omit "
            "embedding_function, or pass embeddings= that you computed yourself."
        )


def _described(function: object) -> tuple[str | None, Any]:
    """The name and the configuration of a function; None or NotImplemented if it lacks one."""
    if isinstance(function, EmbeddingFunction):
        if function.is_legacy():
            return None, NotImplemented
    elif any(_lacks(type(function), method) for method in _NEEDED):
        return None, NotImplemented
    config = function.get_config()  # type: ignore[attr-defined]
    if config is not NotImplemented and (validate := getattr(function, "validate_config", None)):
        validate(config)
    return name_of(function), config


def _lacks(ef_class: type[Any], method: str) -> bool:
    """Whether a class does not define a method that the protocol, ours or Chroma's, only declares."""
    owner = next((base for base in ef_class.__mro__ if method in vars(base)), None)
    return owner is None or (
        owner.__name__ in ("EmbeddingFunction", "SparseEmbeddingFunction")
        and owner.__module__.partition(".")[0] in ("chromalab", "chromadb")
    )


def _refuse_class(function: object) -> None:
    if isinstance(function, type):
        name = function.__name__
        raise EmbeddingFunctionError(
            f"embedding_function must be an instance; got the class {name}. Pass {name}()."
        )


_SECRET_KEY = re.compile(
    r"((api|access|account|admin|auth|client|encryption|master|private|secret|service|shared"
    r"|signing|storage|subscription)_?keys?|tokens?|secrets?|passw(or)?ds?|passphrases?|pwd"
    r"|credentials?|authorization|cookies?|connection_?strings?|conn_?str)$"
)
_TOKENIZER_KEY = re.compile(
    r"(^|_)(added|begin|bos|cls|doc|document|end|eos|extra|mask|max|min|n|num|pad|query|sep"
    r"|special|start|stop|unk)_tokens?$"
)
"""Keys that end in "token" but are settings of a tokenizer, not secrets."""
_SECRET_VALUE = re.compile(
    r"\s*(sk-|hf_|gh[oprsu]_|github_pat_|AKIA|-----BEGIN|(?i:bearer)\s)"
    r"|.*://[^/?#\s]*:[^/\s]*@|.*https?://[^/?#\s]+@",
    re.DOTALL,
)
"""Prefixes of OpenAI, Hugging Face, GitHub and AWS keys, PEM, and addresses with a password."""


def _secret_in(config: object, path: str = "", *, under_secret: bool = False) -> str | None:
    """Return the dotted key of a secret at any depth of parsed JSON, or None."""
    if isinstance(config, str):
        return path if config and (under_secret or _SECRET_VALUE.match(config)) else None
    if isinstance(config, list):
        inside = [(path, under_secret, item) for item in config]
    elif isinstance(config, dict):
        inside = [
            (f"{path}.{key}".lstrip("."), under_secret or _names_secret(key), value)
            for key, value in config.items()
        ]
    else:
        return None
    secrets = (_secret_in(item, here, under_secret=under) for here, under, item in inside)
    return next(filter(None, secrets), None)


def _names_secret(key: str) -> bool:
    # apiKey, API-KEY and api_key count as the same key.
    word = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", "_", key).lower()
    return bool(_SECRET_KEY.search(word)) and not _TOKENIZER_KEY.search(word)
