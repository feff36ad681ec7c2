"""WordLlama: static word vectors, the mean of a text's token embeddings.

It is about a hundred times as fast as MiniLM and less accurate: good for a first look at a large
collection, or as the first stage before a better model. It computes the same vectors as the
`wordllama` package (https://github.com/dleemiller/WordLlama), which does not have to be installed.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.embed.catalog import WORDLLAMA
from chromalab.embed.protocol import Documents, EmbeddingFunction, Space, check_texts

__all__ = ["WordLlama"]

_DIMENSION = 256
_WINDOW = 512  # texts pooled at a time, so that their token vectors fit in the processor's cache


class WordLlama(EmbeddingFunction[Documents]):
    """WordLlama l2_supercat: a vector of 256 numbers and unit length per text.

    An empty text, which has no tokens, gets the zero vector; it can be stored, and it is equally far
    from everything. The whole text counts: there is no limit on the number of tokens.

    Example:
        >>> embed = WordLlama()
        >>> vectors = embed(["a cat", "a kitten", "the stock exchange"])
        >>> vectors.shape, vectors.dtype
        ((3, 256), dtype('float32'))
        >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
        True
    """

    def __init__(self) -> None:
        """Create the function without loading anything yet."""

    def __call__(self, input: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts.

        Args:
            input: A list of n texts.

        Returns:
            float32 array of shape (n, 256), one row of unit length or zero per text, in the order
            of the texts.

        Raises:
            InvalidArgumentError: An item is not a str.
            ModelNotAvailableError: No source has the weights.
        """
        texts = check_texts(input)
        vectors = np.zeros((len(texts), _DIMENSION), np.float32)
        if texts:
            table, tokenizer = _load()
            for start in range(0, len(texts), _WINDOW):
                window = texts[start : start + _WINDOW]
                encodings = tokenizer.encode_batch(window, add_special_tokens=False)
                _pool([encoding.ids for encoding in encodings], table, out=vectors[start:])
        return vectors

    @staticmethod
    def name() -> str:
        """Return "wordllama"."""
        return "wordllama"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> WordLlama:
        """Rebuild the function, which has no settings."""
        return WordLlama()

    def get_config(self) -> dict[str, Any]:
        """Return an empty dictionary, as the function has no settings."""
        return {}

    def default_space(self) -> Space:
        """Return "cosine"."""
        return "cosine"


def _pool(tokens: list[list[int]], table: NDArray[np.float32], out: NDArray[np.float32]) -> None:
    """Write a unit vector per text into the first rows of `out`; texts without tokens are skipped."""
    lengths = np.array([len(ids) for ids in tokens])
    filled = np.flatnonzero(lengths)  # reduceat cannot sum an empty slice
    if not filled.size:
        return
    ids = np.fromiter(chain.from_iterable(tokens), np.int64, count=int(lengths.sum()))
    starts = np.concatenate(([0], np.cumsum(lengths[filled])[:-1]))
    # The divisor of the mean would cancel out in the normalization, so the sum is enough.
    summed = np.add.reduceat(table[ids], starts, axis=0)
    out[filled] = summed / np.linalg.norm(summed, axis=1, keepdims=True)


_lock = threading.Lock()


def _load() -> tuple[NDArray[np.float32], Any]:
    """Return the token vectors, float32 (32000, 256), and the tokenizer, loaded once per process."""
    with _lock:
        return _load_once()


@functools.cache
def _load_once() -> tuple[NDArray[np.float32], Any]:
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    from chromalab.embed.model_files import get_model

    folder = get_model("wordllama")
    weights, tokenizer = (str(folder / file.name) for file in WORDLLAMA.files)
    table = load_file(weights)["embedding.weight"].astype(np.float32)
    return table, Tokenizer.from_file(tokenizer)
