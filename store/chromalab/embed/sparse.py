"""Sparse embedding functions, and `chroma_bm25`, the one that Chroma's clients share.

The ids and weights of `chroma_bm25` are Chroma's, bit for bit, so a query that another client of Chroma
embeds finds records that were embedded here. tests/store/contract holds them equal.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar

from chromalab.embed.protocol import Documents, check_texts, name_of
from chromalab.errors import EmbeddingFunctionError, InvalidArgumentError, near, short
from chromalab.sparse import SparseVector
from chromalab.stemmer import english_stem

__all__ = ["ChromaBm25EmbeddingFunction", "SparseEmbeddingFunction", "embed_sparse", "murmur3"]

D = TypeVar("D", contravariant=True)

_STOP_WORDS = """
a about above after again against ain all am an and any are aren aren't as at be because been
before being below between both but by can couldn couldn't d did didn didn't do does doesn
doesn't doing don don't down during each few for from further had hadn hadn't has hasn hasn't
have haven haven't having he her here hers herself him himself his how i if in into is isn
isn't it it's its itself just ll m ma me mightn mightn't more most mustn mustn't my myself
needn needn't no nor not now o of off on once only or other our ours ourselves out over own re
s same shan shan't she she's should should've shouldn shouldn't so some such t than that
that'll the their theirs them themselves then there these they this those through to too under
until up ve very was wasn wasn't we were weren weren't what when where which while who whom why
will with won won't wouldn wouldn't y you you'd you'll you're you've your yours yourself
yourselves
"""
"""The 179 English stop words of NLTK, which chromadb 1.5.9 has as the default of `chroma_bm25`."""

_SEPARATORS = re.compile(r"[^\w\s]+")


class SparseEmbeddingFunction(ABC, Generic[D]):
    """Base class of functions that embed texts as sparse vectors, with Chroma's methods.

    A subclass defines `__call__`. If it also defines `name`, `get_config` and `build_from_config` and is
    registered with `register_sparse_embedding_function`, a collection stores it with an index.
    """

    @abstractmethod
    def __call__(self, input: D) -> list[SparseVector]:
        """Embed documents and return one sparse vector per document."""

    def embed_query(self, input: D) -> list[SparseVector]:
        """Embed queries, by default in the same way as documents."""
        return self(input)

    @staticmethod
    def name() -> str:
        """Return the name of the function in stored schemas."""
        return NotImplemented  # type: ignore[no-any-return]  # as in EmbeddingFunction

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> SparseEmbeddingFunction[Any]:
        """Rebuild the function from what `get_config` returned."""
        return NotImplemented  # type: ignore[no-any-return]

    def get_config(self) -> dict[str, Any]:
        """Return what `build_from_config` needs, as JSON and without secrets."""
        return NotImplemented  # type: ignore[no-any-return]

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """Raise an error if a configuration is not valid for this function."""

    def validate_config_update(
        self, old_config: dict[str, Any], new_config: dict[str, Any]
    ) -> None:
        """Raise an error if a collection must not change from one configuration to the other."""


class ChromaBm25EmbeddingFunction(SparseEmbeddingFunction[Documents]):
    """Chroma's BM25: English words, weighted by how often they occur in a text of that length.

    A text is split at white space after other characters than letters, digits and underscores were
    replaced by spaces; words are in lower case, without stop words and longer words, and stemmed. The
    index of a word is the absolute value of its 32-bit MurmurHash3, and its weight is

        tf * (k + 1) / (tf + k * (1 - b + b * length / avg_doc_length))

    There is no inverse document frequency, and the average length is an assumption.

    Args:
        k: How soon a word that occurs again adds nothing.
        b: How much a long text counts against a word, from 0 to 1.
        avg_doc_length: The assumed mean number of words.
        token_max_length: The number of characters of the longest word that counts.
        stopwords: Words that do not count; NLTK's English ones by default.
        include_tokens: Whether the vectors have the stems as labels.

    Example:
        >>> ChromaBm25EmbeddingFunction(include_tokens=True)(["the wings of a wing"])
        [SparseVector(indices=[132519388], values=[1.9...], labels=['wing'])]
    """

    def __init__(
        self,
        k: float = 1.2,
        b: float = 0.75,
        avg_doc_length: float = 256.0,
        token_max_length: int = 40,
        stopwords: Iterable[str] | None = None,
        include_tokens: bool = False,
    ) -> None:
        self.k = float(k)
        self.b = float(b)
        self.avg_doc_length = float(avg_doc_length)
        self.token_max_length = int(token_max_length)
        self.stopwords = None if stopwords is None else [str(word) for word in stopwords]
        self.include_tokens = bool(include_tokens)
        words = _STOP_WORDS.split() if self.stopwords is None else self.stopwords
        self._stop_words = frozenset(word.lower() for word in words)

    def __call__(self, input: Documents) -> list[SparseVector]:
        """Embed texts.

        Raises:
            InvalidArgumentError: The input is not a list of texts.
        """
        return [self._embedded(text) for text in check_texts(input)]

    @staticmethod
    def name() -> str:
        """Return "chroma_bm25"."""
        return "chroma_bm25"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> ChromaBm25EmbeddingFunction:
        """Rebuild the function."""
        known = {key: value for key, value in config.items() if key in _PARAMETERS}
        return ChromaBm25EmbeddingFunction(**known)

    def get_config(self) -> dict[str, Any]:
        """Return the parameters; the stop words only if they were given."""
        config = {
            "k": self.k,
            "b": self.b,
            "avg_doc_length": self.avg_doc_length,
            "token_max_length": self.token_max_length,
            "include_tokens": self.include_tokens,
        }
        return config if self.stopwords is None else {**config, "stopwords": list(self.stopwords)}

    @staticmethod
    def validate_config(config: dict[str, Any]) -> None:
        """Raise InvalidArgumentError for a parameter that does not exist or has another type."""
        for key, value in config.items():
            if key not in _PARAMETERS:
                known = near(key, _PARAMETERS, what="Parameters", limit=10)
                raise InvalidArgumentError(f"chroma_bm25 has no parameter {short(key)}. {known}")
            kind, what = _PARAMETERS[key]
            is_number = kind is float and type(value) in (int, float)
            if not is_number and (type(value) is not kind):
                raise InvalidArgumentError(
                    f"{key} of chroma_bm25 must be {what}; got {short(value)}."
                )

    def validate_config_update(
        self, old_config: dict[str, Any], new_config: dict[str, Any]
    ) -> None:
        """Raise InvalidArgumentError for a parameter that does not exist."""
        self.validate_config(new_config)

    def _embedded(self, text: str) -> SparseVector:
        words = _SEPARATORS.sub(" ", text).lower().split()
        stems = [
            english_stem(word)
            for word in words
            if word not in self._stop_words and len(word) <= self.token_max_length
        ]
        stems = [stem for stem in map(str.strip, stems) if stem]
        counts = Counter(map(_index, stems))
        labels = {_index(stem): stem for stem in reversed(stems)}
        indices = sorted(counts)
        norm = self.k * (1 - self.b + (self.b * float(len(stems))) / self.avg_doc_length)
        values = [
            tf * (self.k + 1) / (tf + norm) for tf in (float(counts[index]) for index in indices)
        ]
        named = [labels[index] for index in indices] if self.include_tokens and indices else None
        return SparseVector(indices, values, named)


_PARAMETERS: dict[str, tuple[type, str]] = {
    "k": (float, "a number"),
    "b": (float, "a number"),
    "avg_doc_length": (float, "a number"),
    "token_max_length": (float, "a number"),
    "stopwords": (list, "a list of texts"),
    "include_tokens": (bool, "True or False"),
}


def embed_sparse(
    function: Any, texts: Sequence[str], *, queries: bool = False
) -> list[SparseVector]:
    """Embed texts with any sparse embedding function, ours or Chroma's, and check the result.

    Args:
        function: A `SparseEmbeddingFunction`, one of chromadb's, or any callable of a list of texts.
        texts: n texts.
        queries: Whether they are queries, which `embed_query` embeds if the function has it.

    Returns:
        n sparse vectors.

    Raises:
        EmbeddingFunctionError: The function cannot be called, or its result cannot be used.

    Example:
        >>> embed_sparse(lambda texts: [{"indices": [len(t)], "values": [1.0]} for t in texts], ["ab"])
        [SparseVector(indices=[2], values=[1.0])]
    """
    embed = (queries and getattr(function, "embed_query", None)) or function
    who = name_of(function) or getattr(function, "__name__", type(function).__name__)
    if not callable(embed):
        raise EmbeddingFunctionError(
            f"The sparse embedding function must be callable with a list of texts; got {short(function)}. "
            "Pass a function such as chromalab.embed.ChromaBm25EmbeddingFunction()."
        )
    found = embed(list(texts))
    try:
        vectors = [_as_sparse(vector) for vector in found]
    except (TypeError, AttributeError, KeyError, InvalidArgumentError) as error:
        raise EmbeddingFunctionError(
            f"Embedding function {who!r} returned something else than sparse vectors: {error} "
            "It must return one SparseVector per text."
        ) from error
    if len(vectors) != len(texts):
        raise EmbeddingFunctionError(
            f"Embedding function {who!r} returned {len(vectors):,} sparse vectors for "
            f"{len(texts):,} texts. It must return one per text."
        )
    return vectors


def _as_sparse(vector: Any) -> SparseVector:
    if isinstance(vector, SparseVector):
        return vector
    if isinstance(vector, Mapping):
        return SparseVector(vector["indices"], vector["values"], vector.get("labels"))
    return SparseVector(vector.indices, vector.values, getattr(vector, "labels", None))


@lru_cache(maxsize=100_000)
def _index(word: str) -> int:
    return abs(murmur3(word.encode()))


def murmur3(data: bytes, seed: int = 0) -> int:
    """Compute MurmurHash3 x86_32, signed (A. Appleby, https://github.com/aappleby/smhasher, public domain).

    Example:
        >>> murmur3(b"hello")
        613153351
    """
    value, padded = seed, data + bytes(-len(data) % 4)
    for at in range(0, len(padded), 4):
        block = int.from_bytes(padded[at : at + 4], "little") * 0xCC9E2D51 & 0xFFFFFFFF
        value ^= (block << 15 | block >> 17) * 0x1B873593 & 0xFFFFFFFF
        if at + 4 <= len(data):
            value = ((value << 13 | value >> 19) * 5 + 0xE6546B64) & 0xFFFFFFFF
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    value ^= value >> 16
    return value - (1 << 32) if value >> 31 else value
