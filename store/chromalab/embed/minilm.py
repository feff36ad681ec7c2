"""all-MiniLM-L6-v2 on onnxruntime: Chroma's default model, without torch.

Same weights, mean pooling and 256-token limit as Chroma's, so the vectors agree to float noise.
Texts are sorted by length and padded to the longest of their batch, not to 256 tokens.
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

from chromalab.embed.catalogue import MINILM
from chromalab.embed.protocol import (
    Documents,
    EmbeddingFunction,
    Space,
    check_texts,
    shows_progress,
)
from chromalab.errors import EmbeddingFunctionError

__all__ = ["DefaultEmbeddingFunction", "MiniLM", "ONNXMiniLM_L6_V2"]

_DIMENSION = 384
_MAX_TOKENS = 256
# Padded tokens a batch. Measured on 2 cores: 512 to 1024 are fastest for short and for long
# texts, 8192 takes twice the time, because a layer's activations then leave the cache.
_BATCH_TOKENS = 1024
_WINDOW = 4096  # texts tokenised and sorted at a time; bounds memory, not speed
_GRAPH = "graph-1.onnx"  # counts up when onnx_graph changes


class MiniLM(EmbeddingFunction[Documents]):
    """all-MiniLM-L6-v2: 384 numbers a text, of unit length.

    The model is found or fetched on the first call, not here. Longer texts count up to their
    first 256 tokens. All instances of a process share one session; calls from several threads
    are safe.

    Example:
        >>> embed = MiniLM()
        >>> vectors = embed(["a cat", "a kitten", "the stock exchange"])
        >>> vectors.shape, vectors.dtype
        ((3, 384), dtype('float32'))
        >>> bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])
        True
    """

    def __init__(self) -> None:
        """Make the function; nothing is loaded yet."""

    def __call__(self, input: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts.

        Args:
            input: n texts; an empty one has a vector too.

        Returns:
            float32, shape (n, 384), each row of unit length, in the order of the texts.

        Raises:
            InvalidArgumentError: An item is not a str.
            ModelNotAvailableError: The weights are nowhere.
        """
        texts = check_texts(input)
        if not texts:
            return np.empty((0, _DIMENSION), np.float32)
        return _encoder().embed(texts)

    @staticmethod
    def name() -> str:
        """Name it "minilm"."""
        return "minilm"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> MiniLM:
        """Make it again; it has no settings."""
        return MiniLM()

    def get_config(self) -> dict[str, Any]:
        """Give its settings: none."""
        return {}

    def default_space(self) -> Space:
        """Tell "cosine", as Chroma's ONNXMiniLM_L6_V2."""
        return "cosine"

    def max_tokens(self) -> int:
        """Tell how many tokens of a text count: 256, with the two that mark start and end."""
        return _MAX_TOKENS


class DefaultEmbeddingFunction(MiniLM):
    """What a collection uses unless told otherwise: `MiniLM` under Chroma's name "default".

    Example:
        >>> DefaultEmbeddingFunction().name()
        'default'
    """

    @staticmethod
    def name() -> str:
        """Name it "default"."""
        return "default"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> DefaultEmbeddingFunction:
        """Make it again; it has no settings."""
        return DefaultEmbeddingFunction()

    def default_space(self) -> Space:
        """Tell "l2", as Chroma's; for unit vectors it ranks as cosine does."""
        return "l2"


class ONNXMiniLM_L6_V2(MiniLM):
    """`MiniLM` under the name of Chroma's class, so that collections made with that open.

    Example:
        >>> ONNXMiniLM_L6_V2(preferred_providers=["CPUExecutionProvider"]).name()
        'onnx_mini_lm_l6_v2'
    """

    def __init__(self, preferred_providers: list[str] | None = None) -> None:
        """Make the function; nothing is loaded yet.

        Args:
            preferred_providers: Chroma's setting: None, or the only provider used here,
                ["CPUExecutionProvider"].

        Raises:
            EmbeddingFunctionError: Other providers are asked for.
        """
        if preferred_providers not in (None, ["CPUExecutionProvider"]):
            raise EmbeddingFunctionError(
                f"preferred_providers is {preferred_providers!r}, and MiniLM runs on "
                "CPUExecutionProvider alone: leave it out, or pass embedding_function=MiniLM()"
            )
        self._preferred_providers = preferred_providers

    @staticmethod
    def name() -> str:
        """Name it "onnx_mini_lm_l6_v2"."""
        return "onnx_mini_lm_l6_v2"

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> ONNXMiniLM_L6_V2:
        """Make it again from what this class or Chroma's stored."""
        if unknown := sorted(config.keys() - {"preferred_providers"}):
            raise EmbeddingFunctionError(
                f"'onnx_mini_lm_l6_v2' has no setting {', '.join(unknown)}: pass "
                "embedding_function=MiniLM()"
            )
        return ONNXMiniLM_L6_V2(**config)

    def get_config(self) -> dict[str, Any]:
        """Give its setting, as Chroma's class does."""
        return {"preferred_providers": self._preferred_providers}


class _Encoder:
    """A session and a tokenizer over one folder of model files."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only
        options.enable_mem_pattern = False  # plans memory for one shape; ours change
        self._session = onnxruntime.InferenceSession(
            str(_graph_file(folder)), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(_MAX_TOKENS)
        self._tokenizer.no_padding()

    def embed(self, texts: list[str]) -> NDArray[np.float32]:
        from tqdm.auto import tqdm

        vectors = np.empty((len(texts), _DIMENSION), np.float32)
        with tqdm(
            total=len(texts),
            desc="Embedding",
            unit="text",
            delay=1,
            leave=False,
            disable=not shows_progress.get(),
        ) as bar:  # appears only after a second
            for start in range(0, len(texts), _WINDOW):
                window = texts[start : start + _WINDOW]
                tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(window)]
                for rows in _batches([len(ids) for ids in tokens]):
                    vectors[start + rows] = self._run([tokens[row] for row in rows])
                    bar.update(len(rows))
        return vectors

    def _run(self, batch: list[list[int]]) -> NDArray[np.float32]:
        """Embed token lists; float32 (len(batch), 384)."""
        lengths = np.array([len(ids) for ids in batch])
        mask = np.arange(lengths.max()) < lengths[:, np.newaxis]
        ids = np.zeros(mask.shape, np.int64)
        ids[mask] = np.concatenate(batch)
        feed = {
            "input_ids": ids,
            "attention_mask": mask.astype(np.int64),
            "token_type_ids": np.zeros_like(ids),
        }
        hidden = self._session.run(["last_hidden_state"], feed)[0]
        # The mean's divisor would cancel in the normalisation: sum over the mask is enough.
        summed = np.matmul(mask[:, np.newaxis].astype(np.float32), hidden)[:, 0]
        vectors: NDArray[np.float32] = summed / np.linalg.norm(summed, axis=1, keepdims=True)
        return vectors


def _batches(lengths: Sequence[int]) -> Iterator[NDArray[np.intp]]:
    """Split texts into batches of like length; arrays of positions, longest first.

    Longest first, so that the bar's estimate errs on the side of too long, and memory is at its
    largest at once.
    """
    order = np.argsort(lengths, kind="stable")[::-1]
    start = 0
    while start < len(order):
        rows = max(1, _BATCH_TOKENS // lengths[order[start]])
        yield order[start : start + rows]
        start += rows


def _graph_file(folder: Path) -> Path:
    """The ONNX file to run: Chroma's, or ours over the weights, written again if damaged."""
    from chromalab.embed.files import intact, place
    from chromalab.embed.sources import using_cache

    file = MINILM.files[0]
    weights = folder / file.name
    with using_cache():
        # Not by its name alone: beside Chroma's model nobody else has checked it.
        if not intact(weights, sha256=file.sha256, size=file.size):
            return folder / "model.onnx"
        path = folder / _GRAPH
        if not intact(path):
            from chromalab.embed.onnx_graph import graph_bytes

            graph = graph_bytes(weights)
            if not (path.is_file() and path.read_bytes() == graph):  # right in a shared cache
                place(io.BytesIO(graph), path)
        return path


_lock = threading.Lock()


def _encoder() -> _Encoder:
    """The process's encoder, made by whoever comes first while the others wait."""
    with _lock:
        return _load_once()


@functools.cache
def _load_once() -> _Encoder:
    from chromalab.embed.sources import get_model

    return _Encoder(get_model("minilm"))
