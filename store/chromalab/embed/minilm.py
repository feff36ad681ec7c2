"""all-MiniLM-L6-v2 on onnxruntime: Chroma's default model, without torch.

The weights, mean pooling and 256-token limit are Chroma's, so the vectors agree to within rounding.
Texts are sorted by length and padded to the longest text of their batch, not to 256 tokens.
"""

from __future__ import annotations

import functools
import io
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.embed.catalog import MINILM
from chromalab.embed.protocol import (
    Documents,
    EmbeddingFunction,
    Space,
    check_texts,
    shows_progress,
)
from chromalab.errors import EmbeddingFunctionError
from chromalab.progress_bar import progress_bar

__all__ = ["DefaultEmbeddingFunction", "MiniLM", "ONNXMiniLM_L6_V2"]

_DIMENSION = 384
_MAX_TOKENS = 256
# Padded tokens per batch. Measured on 2 cores, 512 to 1024 are fastest for both short and long texts;
# 8192 takes twice the time, because a layer's activations no longer fit in the processor's cache.
_BATCH_TOKENS = 1024
_WINDOW = 4096  # texts tokenized and sorted at a time; this limits memory and hardly affects speed
_GRAPH = "graph-1.onnx"  # increment the number when onnx_graph changes


class MiniLM(EmbeddingFunction[Documents]):
    """all-MiniLM-L6-v2: a vector of 384 numbers and unit length per text.

    The model is loaded, and downloaded if necessary, on the first call. Only the first 256 tokens of
    a text count. All instances in a process share one session; calls from several threads are safe.

    Example:
        >>> embed = MiniLM()
        >>> vectors = embed(["a cat", "a kitten", "the stock exchange"])
        >>> vectors.shape, vectors.dtype
        ((3, 384), dtype('float32'))
        >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
        True
    """

    def __init__(self) -> None:
        """Create the function without loading anything yet."""

    def __call__(self, input: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts.

        Args:
            input: n texts; an empty text gets a vector too.

        Returns:
            float32 array of shape (n, 384), one row of unit length per text, in the order of the texts.

        Raises:
            InvalidArgumentError: An item is not a str.
            ModelNotAvailableError: No source has the weights.
        """
        texts = check_texts(input)
        if not texts:
            return np.empty((0, _DIMENSION), np.float32)
        return _encoder().embed(texts)

    def embed_tokens(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """Embed each token of texts in its context: the vectors of which `__call__` takes the mean.

        Args:
            texts: n texts.

        Returns:
            One float32 array (tokens, 384) per text, not scaled to unit length, with the start and end
            tokens, which every text has.

        Example:
            >>> [vectors.shape for vectors in MiniLM().embed_tokens(["tea", "a cup of tea"])]
            [(3, 384), (6, 384)]
        """
        texts = check_texts(texts)
        return _encoder().embed_tokens(texts) if texts else []

    @staticmethod
    def name() -> str:
        """Return "minilm"."""
        return "minilm"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> MiniLM:
        """Rebuild the function, which has no settings."""
        return MiniLM()

    def get_config(self) -> dict[str, Any]:
        """Return an empty dictionary, as the function has no settings."""
        return {}

    def default_space(self) -> Space:
        """Return "cosine", like Chroma's ONNXMiniLM_L6_V2."""
        return "cosine"

    def max_tokens(self) -> int:
        """Return how many tokens of a text count: 256, including the start and end tokens."""
        return _MAX_TOKENS

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Count the texts that have more than 256 tokens, whose rest does not count.

        Example:
            >>> MiniLM().count_truncated(["tea", "tea " * 300])
            1
        """
        long = [text for text in check_texts(texts) if len(text) > _MAX_TOKENS - 2]
        return _encoder().count_truncated(long) if long else 0


class DefaultEmbeddingFunction(MiniLM):
    """The embedding function of collections by default: `MiniLM` under Chroma's name "default".

    Example:
        >>> DefaultEmbeddingFunction().name()
        'default'
    """

    @staticmethod
    def name() -> str:
        """Return "default"."""
        return "default"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> DefaultEmbeddingFunction:
        """Rebuild the function, which has no settings."""
        return DefaultEmbeddingFunction()

    def default_space(self) -> Space:
        """Return "l2", like Chroma's; for unit vectors it ranks results as cosine does."""
        return "l2"


class ONNXMiniLM_L6_V2(MiniLM):
    """`MiniLM` under the name of Chroma's class, so that collections created with that class open.

    Example:
        >>> ONNXMiniLM_L6_V2(preferred_providers=["CPUExecutionProvider"]).name()
        'onnx_mini_lm_l6_v2'
    """

    def __init__(self, preferred_providers: list[str] | None = None) -> None:
        """Create the function without loading anything yet.

        Args:
            preferred_providers: Chroma's setting. It can be None or the only provider supported
                here, ["CPUExecutionProvider"].

        Raises:
            EmbeddingFunctionError: Other providers are requested.
        """
        if preferred_providers not in (None, ["CPUExecutionProvider"]):
            raise EmbeddingFunctionError(
                "preferred_providers must be ['CPUExecutionProvider'], the only provider MiniLM runs "
                f"on; got {preferred_providers!r}. Omit it, or pass embedding_function=MiniLM()."
            )
        self._preferred_providers = preferred_providers

    @staticmethod
    def name() -> str:
        """Return "onnx_mini_lm_l6_v2"."""
        return "onnx_mini_lm_l6_v2"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> ONNXMiniLM_L6_V2:
        """Rebuild the function from a configuration stored by this class or by Chroma's."""
        if unknown := sorted(config.keys() - {"preferred_providers"}):
            raise EmbeddingFunctionError(
                f"'onnx_mini_lm_l6_v2' has no setting {', '.join(unknown)}. Pass "
                "embedding_function=MiniLM()."
            )
        return ONNXMiniLM_L6_V2(**config)

    def get_config(self) -> dict[str, Any]:
        """Return its only setting, like Chroma's class."""
        return {"preferred_providers": self._preferred_providers}


class _Encoder:
    """A session and a tokenizer over one folder of model files."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        options.enable_mem_pattern = False  # it plans memory for a fixed shape, and our shapes vary
        self._session = onnxruntime.InferenceSession(
            str(_graph_file(folder)), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.no_padding()

    def count_truncated(self, texts: list[str]) -> int:
        encodings = (
            encoding
            for start in range(0, len(texts), _WINDOW)
            for encoding in self._tokenizer.encode_batch(texts[start : start + _WINDOW])
        )
        return sum(bool(encoding.overflowing) for encoding in encodings)

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), _DIMENSION), np.float32)
        for rows, hidden, mask in self._batches(texts):
            # The divisor of the mean would cancel out in the normalization, so a masked sum is enough.
            summed = np.matmul(mask[:, np.newaxis].astype(np.float32), hidden)[:, 0]
            vectors[rows] = summed / np.linalg.norm(summed, axis=1, keepdims=True)
        return vectors

    def embed_tokens(self, texts: list[str]) -> list[NDArray[np.float32]]:
        vectors: dict[int, NDArray[np.float32]] = {}
        for rows, hidden, mask in self._batches(texts):
            vectors |= {row: hidden[at, mask[at]] for at, row in enumerate(rows.tolist())}
        return [vectors[row] for row in range(len(texts))]

    def _batches(
        self, texts: list[str]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.bool_]]]:
        """Yield the rows of a batch of texts, its token vectors (b, tokens, 384), and its mask (b, tokens)."""
        with progress_bar(
            total=len(texts),
            desc="Embedding",
            unit="text",
            delay=1,
            leave=False,
            disable=not shows_progress.get(),
        ) as bar:  # shown only after one second
            for start in range(0, len(texts), _WINDOW):
                window = texts[start : start + _WINDOW]
                tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(window)]
                for rows in _batches([len(ids) for ids in tokens]):
                    yield start + rows, *self._run([tokens[row] for row in rows])
                    bar.update(len(rows))

    def _run(self, batch: list[list[int]]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Run the model on token lists; returns the vectors (b, tokens, 384) and their mask."""
        lengths = np.array([len(ids) for ids in batch])
        mask = np.arange(lengths.max()) < lengths[:, np.newaxis]
        ids = np.zeros(mask.shape, np.int64)
        ids[mask] = np.concatenate(batch)
        feed = {
            "input_ids": ids,
            "attention_mask": mask.astype(np.int64),
            "token_type_ids": np.zeros_like(ids),
        }
        return self._session.run(["last_hidden_state"], feed)[0], mask


def _batches(lengths: Sequence[int]) -> Iterator[NDArray[np.intp]]:
    """Split texts into batches of similar length and yield arrays of positions, longest first.

    With the longest first, the progress bar overestimates rather than underestimates the time, and
    memory use peaks right at the start.
    """
    order = np.argsort(lengths, kind="stable")[::-1]
    start = 0
    while start < len(order):
        rows = max(1, _BATCH_TOKENS // lengths[order[start]])
        yield order[start : start + rows]
        start += rows


def _graph_file(folder: Path) -> Path:
    """Return the ONNX file to run: Chroma's, or ours over the weights, rewritten if damaged."""
    from chromalab.embed.files import intact, place
    from chromalab.embed.model_files import using_cache

    file = MINILM.files[0]
    weights = folder / file.name
    with using_cache():
        # The name is not enough: weights next to Chroma's model have not been verified elsewhere.
        if not intact(weights, sha256=file.sha256, size=file.size):
            return folder / "model.onnx"
        path = folder / _GRAPH
        if not intact(path):
            from chromalab.embed.onnx_graph import graph_bytes

            graph = graph_bytes(weights)
            if not (
                path.is_file() and path.read_bytes() == graph
            ):  # it may be right, in a shared cache
                place(io.BytesIO(graph), path)
        return path


_lock = threading.Lock()


def _encoder() -> _Encoder:
    """Return the encoder of this process; the first thread creates it while the others wait."""
    with _lock:
        return _load_once()


@functools.cache
def _load_once() -> _Encoder:
    from chromalab.embed.model_files import get_model

    return _Encoder(get_model("minilm"))
