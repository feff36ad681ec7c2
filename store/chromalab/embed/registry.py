"""Embedding functions by name, and how a collection remembers which one it uses.

The stored form is Chroma's JSON: `{"type": "known", "name": ..., "config": {...}}`, or
`{"type": "legacy"}` for a function that has no name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar, overload

from chromalab.embed.protocol import EmbeddingFunction, name_of
from chromalab.errors import EmbeddingFunctionError, near

__all__ = [
    "check_conflict",
    "from_config",
    "known_embedding_functions",
    "register_embedding_function",
    "to_config",
]

known_embedding_functions: dict[str, type[Any]] = {}
"""Every registered class by name."""

_NEEDED = ("name", "get_config", "build_from_config")
_LEGACY = {"type": "legacy"}
_MINILM_NAMES = {"default", "minilm", "onnx_mini_lm_l6_v2"}  # one model, the same vectors

C = TypeVar("C", bound=type[Any])


@overload
def register_embedding_function(ef_class: C) -> C: ...
@overload
def register_embedding_function(ef_class: None = None) -> Callable[[C], C]: ...
def register_embedding_function(ef_class: C | None = None) -> C | Callable[[C], C]:
    """Make a class known by its `name()`, so that collections which use it open without it.

    A name that is known already now means the new class: a notebook cell may run twice.

    Args:
        ef_class: The class; without one, a decorator is returned.

    Returns:
        The class, unchanged.

    Raises:
        EmbeddingFunctionError: `name`, `get_config` or `build_from_config` is missing.

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
    missing = [method for method in _NEEDED if _lacks(ef_class, method)]
    if missing:
        raise EmbeddingFunctionError(
            f"{ef_class.__name__} cannot be registered without {', '.join(missing)}: a collection "
            "stores the name and configuration, and builds the function from them"
        )
    try:
        name = ef_class.name()
    except TypeError as error:
        raise EmbeddingFunctionError(
            f"{ef_class.__name__}.name has to be a staticmethod or classmethod: {error}"
        ) from error
    if not isinstance(name, str) or not name:
        raise EmbeddingFunctionError(
            f"{ef_class.__name__}.name() is {name!r}; it has to be a str that is not empty"
        )
    known_embedding_functions[name] = ef_class
    return ef_class


def to_config(function: object | None) -> dict[str, Any] | None:
    """Describe an embedding function as a collection stores it.

    Returns:
        JSON of type "known" or "legacy"; None for no function.

    Raises:
        EmbeddingFunctionError: The configuration is no JSON, or holds a secret; or a class is
            given where its instance is meant.

    Example:
        >>> to_config(len)
        {'type': 'legacy'}
    """
    if function is None:
        return None
    _refuse_class(function)
    name = name_of(function)
    get_config = getattr(function, "get_config", None)
    is_legacy = getattr(function, "is_legacy", None)
    if name is None or get_config is None or (is_legacy is not None and is_legacy()):
        return dict(_LEGACY)
    config = get_config()
    if config is NotImplemented:
        return dict(_LEGACY)
    try:
        plain = json.loads(json.dumps(config))
    except (TypeError, ValueError) as error:
        raise EmbeddingFunctionError(
            f"The configuration of {name!r} cannot be stored as JSON: {error}"
        ) from error
    if secret := _secret_in(plain):
        raise EmbeddingFunctionError(
            f"The configuration of {name!r} holds a secret under {secret!r}, and a collection "
            f"stores it as plain text: put it into an environment variable and give the "
            f"variable's name, as in {secret.rpartition('.')[2]}_env_var"
        )
    if validate := getattr(function, "validate_config", None):
        validate(config)
    return {"type": "known", "name": name, "config": config}


def from_config(config: dict[str, Any] | None) -> Any | None:
    """Build the embedding function that a collection stores.

    Returns:
        The function; None where none is stored, or one of type "legacy", which only its
        owner can give.

    Raises:
        EmbeddingFunctionError: Its name is not registered.

    Example:
        >>> from_config({"type": "known", "name": "default", "config": {}}).name()
        'default'
    """
    if config is None or config.get("type") != "known":
        return None
    name = config["name"]
    if name not in known_embedding_functions:
        known = near(name, known_embedding_functions, what="Known")
        raise EmbeddingFunctionError(
            f"The collection uses embedding function {name!r}, which is not registered here: "
            f"import the module that registers it, or pass embedding_function=. {known}"
        )
    return known_embedding_functions[name].build_from_config(config.get("config", {}))


def check_conflict(given: object | None, persisted: dict[str, Any] | None) -> None:
    """Refuse a function that is another than the one a collection was made with.

    As in Chroma, "default" is taken for "none given". The names of MiniLM are one function.

    Args:
        given: What the caller passed.
        persisted: The stored configuration.

    Raises:
        EmbeddingFunctionError: The two differ; or a class is given for its instance.

    Example:
        >>> from chromalab.embed import WordLlama
        >>> check_conflict(WordLlama(), {"type": "known", "name": "minilm", "config": {}})
        Traceback (most recent call last):
        chromalab.errors.EmbeddingFunctionError: The collection was made with embedding function...
    """
    _refuse_class(given)
    stored = (persisted or {}).get("name")
    if given is None or stored is None:
        return
    name = name_of(given)
    if name not in ("default", stored) and not {name, stored} <= _MINILM_NAMES:
        raise EmbeddingFunctionError(
            f"The collection was made with embedding function {stored!r}, and "
            f"{name or type(given).__name__!r} was given: their vectors cannot be compared; leave "
            "embedding_function out, or pass embeddings= that you made yourself"
        )


def _lacks(ef_class: type[Any], method: str) -> bool:
    found = getattr(ef_class, method, None)
    return found is None or found is getattr(EmbeddingFunction, method)


def _refuse_class(function: object) -> None:
    if isinstance(function, type):
        name = function.__name__
        raise EmbeddingFunctionError(f"{name} is a class: give an instance: {name}()")


_SECRET_KEY = re.compile(
    r"((api|access|account|admin|auth|client|encryption|master|private|secret|service|shared"
    r"|signing|storage|subscription)_?keys?|tokens?|secrets?|passw(or)?ds?|passphrases?|pwd"
    r"|credentials?|authorization|cookies?|connection_?strings?|conn_?str)$"
)
_TOKENIZER_KEY = re.compile(
    r"(^|_)(added|begin|bos|cls|doc|document|end|eos|extra|mask|max|min|n|num|pad|query|sep"
    r"|special|start|stop|unk)_tokens?$"
)
"""Settings, although they end in "token"."""
_SECRET_VALUE = re.compile(
    r"\s*(sk-|hf_|gh[oprsu]_|github_pat_|AKIA|-----BEGIN|(?i:bearer)\s)"
    r"|.*://[^/?#\s]*:[^/\s]*@|.*https?://[^/?#\s]+@",
    re.DOTALL,
)
"""How keys of OpenAI, Hugging Face, GitHub and AWS begin, PEM, and addresses with a password."""


def _secret_in(config: object, path: str = "", *, under_secret: bool = False) -> str | None:
    """The dotted key of a secret, at any depth of what json.loads gave."""
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
    found = (_secret_in(item, here, under_secret=under) for here, under, item in inside)
    return next(filter(None, found), None)


def _names_secret(key: str) -> bool:
    # apiKey, API-KEY and api_key are one word
    word = re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+", "_", key).lower()
    return bool(_SECRET_KEY.search(word)) and not _TOKENIZER_KEY.search(word)
