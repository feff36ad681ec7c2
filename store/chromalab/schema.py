"""`Schema`: which indexes a collection has, by metadata key, in Chroma's words and wire form.

Here filters and keyword search work on every key without a declaration, so two of the indexes change what
happens: the vector index is the configuration of the embeddings, and an index of sparse vectors embeds a
text of each record into a metadata key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

from chromalab.embed import (
    embed_sparse,
    from_config,
    name_of,
    to_config,
)
from chromalab.engine import Batch, CollectionModel
from chromalab.errors import EmbeddingFunctionError, InvalidArgumentError, short
from chromalab.index_configs import (
    DOCUMENT,
    BoolInvertedIndexConfig,
    FloatInvertedIndexConfig,
    FtsIndexConfig,
    HnswIndexConfig,
    IntInvertedIndexConfig,
    SpannIndexConfig,
    SparseVectorIndexConfig,
    StringInvertedIndexConfig,
    VectorIndexConfig,
    key_name,
)
from chromalab.sparse import SparseVector

__all__ = [
    "Schema",
    "ValueTypes",
    "embed_sparse_queries",
    "sparse_sources",
    "with_sparse_embeddings",
]

_EMBEDDING = "#embedding"

T = TypeVar("T")


@dataclass
class _Index:
    enabled: bool
    config: Any


@dataclass
class _Strings:
    fts_index: _Index | None = None
    string_inverted_index: _Index | None = None


@dataclass
class _Vectors:
    vector_index: _Index | None = None


@dataclass
class _SparseVectors:
    sparse_vector_index: _Index | None = None


@dataclass
class _Ints:
    int_inverted_index: _Index | None = None


@dataclass
class _Floats:
    float_inverted_index: _Index | None = None


@dataclass
class _Bools:
    bool_inverted_index: _Index | None = None


@dataclass
class ValueTypes:
    """The indexes of one key, or of all, by the type of the value."""

    string: _Strings | None = None
    float_list: _Vectors | None = None
    sparse_vector: _SparseVectors | None = None
    int_value: _Ints | None = None
    float_value: _Floats | None = None
    boolean: _Bools | None = None


_TYPES: dict[str, tuple[str, type[Any]]] = {
    "string": ("string", _Strings),
    "float_list": ("float_list", _Vectors),
    "sparse_vector": ("sparse_vector", _SparseVectors),
    "int_value": ("int", _Ints),
    "float_value": ("float", _Floats),
    "boolean": ("bool", _Bools),
}
"""The attributes of `ValueTypes`, with their names in JSON."""

_INDEXES: dict[type[Any], tuple[str, str]] = {
    FtsIndexConfig: ("string", "fts_index"),
    StringInvertedIndexConfig: ("string", "string_inverted_index"),
    VectorIndexConfig: ("float_list", "vector_index"),
    SparseVectorIndexConfig: ("sparse_vector", "sparse_vector_index"),
    IntInvertedIndexConfig: ("int_value", "int_inverted_index"),
    FloatInvertedIndexConfig: ("float_value", "float_inverted_index"),
    BoolInvertedIndexConfig: ("boolean", "bool_inverted_index"),
}
_CONFIGS = {index: config for config, (_, index) in _INDEXES.items()}
_ENABLED = (
    StringInvertedIndexConfig,
    IntInvertedIndexConfig,
    FloatInvertedIndexConfig,
    BoolInvertedIndexConfig,
)


class Schema:
    """The indexes of a collection. The methods return the schema, so that calls can be chained.

    Attributes:
        defaults: The indexes of the keys that `keys` does not have.
        keys: The indexes by key.

    Example:
        >>> from chromalab.embed import ChromaBm25EmbeddingFunction
        >>> bm25 = SparseVectorIndexConfig(ChromaBm25EmbeddingFunction(), source_key="#document")
        >>> Schema().create_index(bm25, key="words").sparse_indexes()["words"].source_key
        '#document'
    """

    def __init__(self) -> None:
        self.defaults = ValueTypes()
        for config in _INDEXES:
            self._set(self.defaults, config(), enabled=config in _ENABLED)
        self.keys: dict[str, ValueTypes] = {DOCUMENT: ValueTypes(), _EMBEDDING: ValueTypes()}
        self._set(self.keys[DOCUMENT], FtsIndexConfig(), enabled=True)
        self._set(self.keys[DOCUMENT], StringInvertedIndexConfig(), enabled=False)
        self._set(self.keys[_EMBEDDING], VectorIndexConfig(source_key=DOCUMENT), enabled=True)

    def create_index(self, config: Any = None, key: Any = None) -> Schema:
        """Declare an index.

        Args:
            config: What is indexed: one of the index configurations.
            key: The metadata key, or "#document". None declares it for all keys; the vector index has none.

        Raises:
            InvalidArgumentError: The index cannot be declared for this key.
        """
        key = key_name(key)
        self._check(config, key, "created")
        if isinstance(config, VectorIndexConfig):
            embedding = self.keys[_EMBEDDING].float_list
            known = embedding.vector_index if embedding else None
            source = known.config.source_key if known else DOCUMENT
            own = VectorIndexConfig(
                config.space, config.embedding_function, source, config.hnsw, config.spann
            )
            self._set(self.defaults, config, enabled=False)
            self._set(self.keys[_EMBEDDING], own, enabled=True)
            return self
        if isinstance(config, SparseVectorIndexConfig) and (
            config.source_key is not None and config.embedding_function is None
        ):
            raise InvalidArgumentError(
                "A sparse index with source_key must have an embedding_function to embed the texts with. "
                "Pass one such as chromalab.embed.ChromaBm25EmbeddingFunction()."
            )
        types = self.defaults if key is None else self.keys.setdefault(key, ValueTypes())
        self._set(types, config, enabled=True)
        return self

    def delete_index(self, config: Any = None, key: Any = None) -> Schema:
        """Disable an index.

        Args:
            config: What is no longer indexed.
            key: The key; None for all that `keys` does not have.

        Raises:
            InvalidArgumentError: The index cannot be disabled.
        """
        key = key_name(key)
        self._check(config, key, "deleted")
        if isinstance(config, VectorIndexConfig):
            raise InvalidArgumentError(
                "The vector index cannot be deleted, as every collection has one."
            )
        types = self.defaults if key is None else self.keys.setdefault(key, ValueTypes())
        self._set(types, config, enabled=False)
        return self

    def sparse_indexes(self) -> dict[str, SparseVectorIndexConfig]:
        """Return the enabled indexes of sparse vectors by key."""
        found = {}
        for key, types in self.keys.items():
            index = types.sparse_vector and types.sparse_vector.sparse_vector_index
            if index and index.enabled:
                found[key] = index.config
        return found

    def vector_index(self) -> VectorIndexConfig:
        """Return the index of the embeddings."""
        embedding = self.keys[_EMBEDDING].float_list
        if embedding is None or embedding.vector_index is None:
            raise InvalidArgumentError(f"schema must have a vector index under {_EMBEDDING!r}.")
        return embedding.vector_index.config  # type: ignore[no-any-return]

    def serialize_to_json(self) -> dict[str, Any]:
        """Return the dict that Chroma's clients and servers exchange.

        Raises:
            EmbeddingFunctionError: A sparse embedding function has no name to be stored under.
        """
        return {
            "defaults": _types_to_json(self.defaults),
            "keys": {key: _types_to_json(types) for key, types in self.keys.items()},
        }

    @classmethod
    def deserialize_from_json(cls, json_data: Mapping[str, Any]) -> Schema:
        """Build a schema from the dict that `serialize_to_json` returned, here or in Chroma.

        Raises:
            InvalidArgumentError: The dict has another form.
            EmbeddingFunctionError: An embedding function is not registered here, or cannot be built.
        """
        schema = cls.__new__(cls)
        try:
            schema.defaults = _types_from_json(json_data.get("defaults", {}))
            schema.keys = {
                key: _types_from_json(types) for key, types in json_data.get("keys", {}).items()
            }
        except (AttributeError, TypeError, KeyError) as error:
            raise InvalidArgumentError(
                f"The JSON of a schema must be a dict with defaults and keys; got {short(json_data)}."
            ) from error
        return schema

    @classmethod
    def of(cls, schema: Any) -> Schema:
        """Copy a schema, of chromadb as well.

        Raises:
            InvalidArgumentError: It is something else.
        """
        made = cls.__new__(cls)
        try:
            made.defaults = _copied(getattr(schema, "defaults", ValueTypes()))
            made.keys = {str(key): _copied(types) for key, types in schema.keys.items()}
            made.vector_index()
        except (AttributeError, KeyError, TypeError) as error:
            raise InvalidArgumentError(
                f"schema must be a chromalab.Schema, or a Schema of chromadb; got {short(schema)}. "
                "Use configuration instead."
            ) from error
        return made

    @classmethod
    def of_configuration(cls, configuration: Mapping[str, Any]) -> Schema:
        """Build the schema of a collection from its configuration, with the embedding function itself."""
        stored = deepcopy(configuration.get("schema"))
        if stored is None:
            schema = cls()
        else:
            for types in (stored["defaults"], stored["keys"][_EMBEDDING]):
                types["float_list"]["vector_index"]["config"].pop("embedding_function", None)
            schema = cls.deserialize_from_json(stored)
        parts: dict[str, Any] = {}
        for name, kind in (("hnsw", HnswIndexConfig), ("spann", SpannIndexConfig)):
            if configuration[name] is not None:
                parts |= {"space": configuration[name]["space"]}
                parts[name] = _config_from_json(kind, configuration[name])
        function = configuration["embedding_function"]
        return schema.create_index(VectorIndexConfig(embedding_function=function, **parts))

    def configuration(self) -> dict[str, Any]:
        """Return the vector index as `configuration` of `create_collection` has it."""
        wanted = self.vector_index()
        kind = "hnsw" if wanted.spann is None else "spann"
        given = vars(getattr(wanted, kind) or HnswIndexConfig())
        section = {"space": wanted.space, **given}
        return {
            kind: {name: value for name, value in section.items() if value is not None},
            "embedding_function": wanted.embedding_function,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.serialize_to_json() == other.serialize_to_json()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        sparse = [f"{key!r}: {_source(config)}" for key, config in self.sparse_indexes().items()]
        return f"Schema(sparse indexes: {{{', '.join(sparse)}}})" if sparse else "Schema()"

    def _check(self, config: Any, key: str | None, done: str) -> None:
        """Raise InvalidArgumentError for what neither Chroma nor this schema has an index of."""
        if config is None:
            raise InvalidArgumentError(
                f"config must say which index is {done}; got None. Pass one such as "
                "SparseVectorIndexConfig(...)."
            )
        if type(config) not in _INDEXES:
            raise InvalidArgumentError(
                f"config must be an index configuration such as SparseVectorIndexConfig(...); got "
                f"{short(config)}."
            )
        if key is not None and key.startswith("#") and key != DOCUMENT:
            raise InvalidArgumentError(
                f"key must not start with '#', except {DOCUMENT!r}; got {short(key)}. The index of the "
                "embeddings takes no key: create_index(VectorIndexConfig(...))."
            )
        if (key == DOCUMENT) != isinstance(config, FtsIndexConfig):
            raise InvalidArgumentError(
                f"{DOCUMENT!r} must go with FtsIndexConfig, and with no other; got "
                f"{type(config).__name__} for {short(key)}."
            )
        if isinstance(config, VectorIndexConfig) and key is not None:
            raise InvalidArgumentError(
                f"key must be None for VectorIndexConfig; got {short(key)}. There is one embedding per "
                "record."
            )
        if isinstance(config, SparseVectorIndexConfig) and key is None:
            raise InvalidArgumentError(
                "key must be the metadata key of the sparse vectors; got None. Pass "
                'create_index(config=..., key="words").'
            )

    @staticmethod
    def _set(types: ValueTypes, config: Any, *, enabled: bool) -> None:
        kind, name = _INDEXES[type(config)]
        if getattr(types, kind) is None:
            setattr(types, kind, _TYPES[kind][1]())
        setattr(getattr(types, kind), name, _Index(enabled, config))


def sparse_sources(configuration: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """Find the indexes that embed a text of each record: by key, the function and the key of the text.

    Args:
        configuration: What is stored with a collection.

    Raises:
        EmbeddingFunctionError: A function is not registered here, or cannot be built.
    """
    found = {}
    for key, config in _sparse_configs(configuration).items():
        if config.get("source_key") is not None:
            function = from_config(config["embedding_function"], sparse=True)
            if function is not None:
                found[key] = function, config["source_key"]
    return found


def _sparse_configs(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The stored configurations of the enabled indexes of sparse vectors, by key."""
    keys: Mapping[str, Any] = (configuration.get("schema") or {}).get("keys", {})
    indexes = {
        key: types.get("sparse_vector", {}).get("sparse_vector_index", {})
        for key, types in keys.items()
    }
    return {key: index["config"] for key, index in indexes.items() if index.get("enabled")}


def embed_sparse_queries(
    model: CollectionModel, key: str, texts: Sequence[str]
) -> list[SparseVector]:
    """Embed texts as queries of an index of sparse vectors.

    Args:
        model: The collection.
        key: The metadata key of the index.
        texts: n texts.

    Returns:
        n sparse vectors.

    Raises:
        InvalidArgumentError: There is no index of sparse vectors under the key, or it has no function.
        EmbeddingFunctionError: The function cannot be built, or its result cannot be used.
    """
    config = _sparse_configs(model.configuration).get(key, {})
    function = from_config(config.get("embedding_function"), sparse=True)
    if function is None:
        raise InvalidArgumentError(
            f"query of Knn must be a SparseVector where no index embeds texts for its key; got a text "
            f"for {short(key)}. Create one: create_index(SparseVectorIndexConfig(...), key)."
        )
    return embed_sparse(function, texts, queries=True)


def with_sparse_embeddings(batch: Batch, model: CollectionModel) -> Batch:
    """Add the sparse vectors that the indexes of a collection ask for to the metadata of a batch.

    As in Chroma, a record that brings a vector of its own keeps it. Where the text is deleted or replaced
    by another value, so is the vector.

    Args:
        batch: The records.
        model: The collection.

    Raises:
        EmbeddingFunctionError: A function cannot be built, or its result cannot be used.
    """
    batch = replace(batch, indexed_for=model.configuration)
    sources = sparse_sources(model.configuration)
    if not sources:
        return batch
    given = batch.metadatas or [None] * len(batch.ids)
    metadatas: list[dict[str, Any]] = [dict(metadata or {}) for metadata in given]
    for key, (function, source) in sources.items():
        texts: list[Any]
        if source == DOCUMENT:
            texts = list(batch.documents or [None] * len(batch.ids))
        else:
            texts = [metadata.get(source) for metadata in metadatas]
            for metadata, text in zip(metadatas, texts, strict=True):
                if source in metadata and not isinstance(text, str):
                    metadata.setdefault(key, None)
        rows = [
            row
            for row, text in enumerate(texts)
            if isinstance(text, str) and key not in metadatas[row]
        ]
        if rows:
            vectors = embed_sparse(function, [texts[row] for row in rows])
            for row, vector in zip(rows, vectors, strict=True):
                metadatas[row][key] = vector.to_dict()
    return replace(batch, metadatas=[metadata or None for metadata in metadatas])


def _source(config: SparseVectorIndexConfig) -> str:
    if config.source_key is None:
        return "vectors of the caller"
    return f"{name_of(config.embedding_function)} of {config.source_key!r}"


def _types_to_json(types: ValueTypes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind, (name, _) in _TYPES.items():
        indexes = getattr(types, kind)
        if indexes is not None:
            found[name] = {
                index: {"enabled": there.enabled, "config": _config_to_json(there.config)}
                for index, there in vars(indexes).items()
                if there is not None
            }
    return found


def _config_to_json(config: Any) -> dict[str, Any]:
    plain = {
        name: _config_to_json(value) if is_dataclass(value) else value
        for name, value in vars(config).items()
        if value is not None and name != "embedding_function"
    }
    if isinstance(config, VectorIndexConfig):
        function = config.embedding_function
        described = to_config(function) or {"type": "legacy"}
        if described["type"] == "known":
            plain.setdefault("space", function.default_space())
        return {**plain, "embedding_function": described}
    if isinstance(config, SparseVectorIndexConfig):
        described = to_config(config.embedding_function) or {"type": "unknown"}
        if described["type"] == "legacy":
            who = type(config.embedding_function).__name__
            raise EmbeddingFunctionError(
                f"The sparse embedding function {who} must have name, get_config and "
                "build_from_config, as a collection stores it. Derive it from "
                "chromalab.embed.SparseEmbeddingFunction."
            )
        return {**plain, "embedding_function": described}
    return plain


def _types_from_json(plain: Mapping[str, Any]) -> ValueTypes:
    types = ValueTypes()
    for kind, (name, make) in _TYPES.items():
        if name in plain:
            indexes = make()
            for index, there in plain[name].items():
                config = _config_from_json(_CONFIGS[index], there.get("config", {}))
                setattr(indexes, index, _Index(bool(there.get("enabled", True)), config))
            setattr(types, kind, indexes)
    return types


def _config_from_json(kind: type[T], plain: Mapping[str, Any]) -> T:
    """Build a configuration; fields that this release does not have are left out."""
    known: dict[str, Any] = {f.name: plain[f.name] for f in fields(kind) if f.name in plain}  # type: ignore[arg-type]
    for name, part in (("hnsw", HnswIndexConfig), ("spann", SpannIndexConfig)):
        if known.get(name) is not None:
            known[name] = _config_from_json(part, known[name])
    if kind in (VectorIndexConfig, SparseVectorIndexConfig):
        stored, sparse = plain.get("embedding_function"), kind is SparseVectorIndexConfig
        known["embedding_function"] = from_config(stored, sparse=sparse)
    return kind(**known)


def _copied(types: Any) -> ValueTypes:
    """Copy the indexes of a key from any object with the same attributes."""
    made = ValueTypes()
    for kind, (_, make) in _TYPES.items():
        theirs = getattr(types, kind, None)
        if theirs is not None:
            indexes = make()
            for index, config in _CONFIGS.items():
                there = getattr(theirs, index, None)
                if there is not None:
                    copy = _config_copied(config, there.config)
                    setattr(indexes, index, _Index(getattr(there, "enabled", True), copy))
            setattr(made, kind, indexes)
    return made


def _config_copied(kind: type[T], config: Any) -> T:
    known = {f.name: getattr(config, f.name) for f in fields(kind) if hasattr(config, f.name)}  # type: ignore[arg-type]
    for name, part in (("hnsw", HnswIndexConfig), ("spann", SpannIndexConfig)):
        if known.get(name) is not None:
            known[name] = _config_copied(part, known[name])
    return kind(**{name: deepcopy(v) if isinstance(v, dict) else v for name, v in known.items()})
