"""The ONNX graph of a BERT encoder, written from its safetensors file without torch.

The graph contains no weights. Both formats store a tensor as plain little-endian rows, so every
initializer points at its bytes in the safetensors file in the same folder (ONNX calls this external
data). This keeps the graph under 100 kB, fast to write and to verify, and lets onnxruntime map
the weights into memory instead of reading a second copy of them.

The graph is written as protobuf directly, byte for byte as the package onnx would write it, because
that package would add 27 MB and a requirement on the version of protobuf.

Inputs and output are those of Chroma's own file, so the same code runs both:
`input_ids`, `attention_mask`, `token_type_ids` int64 (batch, tokens) ->
`last_hidden_state` float32 (batch, tokens, hidden).
"""

from __future__ import annotations

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["MINILM_L6", "BertShape", "graph_bytes"]

_OPSET = 17  # the first with LayerNormalization as one operator
_IR_VERSION = 8
_FLOAT, _INT64 = 1, 7  # TensorProto.DataType
_EXTERNAL = 1  # TensorProto.DataLocation
# Per type of an attribute: its field in AttributeProto, and its AttributeType.
_ATTRIBUTES = {float: (2, 1), int: (3, 2), list: (8, 7)}


@dataclass(frozen=True, kw_only=True)
class BertShape:
    """The constants of a BERT encoder that cannot be read from its tensors.

    Example:
        >>> MINILM_L6.hidden // MINILM_L6.heads
        32
    """

    layers: int
    heads: int
    hidden: int
    epsilon: float


MINILM_L6 = BertShape(layers=6, heads=12, hidden=384, epsilon=1e-12)
"""The values of `config.json` in sentence-transformers/all-MiniLM-L6-v2."""


def graph_bytes(weights: Path, *, shape: BertShape = MINILM_L6) -> bytes:
    """Build the graph that runs the weights in a safetensors file.

    Args:
        weights: The safetensors file, with float32 tensors under BERT's names. The graph names the
            file without a folder, so both must be in the same folder when the graph runs.
        shape: The constants of the encoder.

    Returns:
        A serialized ONNX model.

    Raises:
        ValueError: The file is not a safetensors file, or a tensor is missing or not float32.

    Example:
        >>> from chromalab.embed import get_model
        >>> weights = get_model("minilm", progress=False) / "model.safetensors"
        >>> len(graph_bytes(weights)) < 100_000
        True
    """
    graph = _Graph(weights)
    bias = _attention_bias(graph)
    hidden = _token_embeddings(graph, shape)
    for layer in range(shape.layers):
        hidden = _encoder_layer(graph, f"encoder.layer.{layer}", hidden, bias, shape)
    graph.op("Identity", hidden, name="last_hidden_state")

    names = ("input_ids", "attention_mask", "token_type_ids")
    # The numbers are those of the fields in onnx.proto: here of ModelProto and GraphProto.
    return _message(
        (1, _IR_VERSION),
        (2, "chromalab"),
        (
            7,
            _message(
                *((1, node) for node in graph.nodes),
                (2, "bert"),
                *((5, tensor) for tensor in graph.initializers.values()),
                *((11, _value_info(name, _INT64, "batch", "tokens")) for name in names),
                (12, _value_info("last_hidden_state", _FLOAT, "batch", "tokens", shape.hidden)),
            ),
        ),
        (8, _message((1, ""), (2, _OPSET))),
    )


def _message(*fields: tuple[int, int | float | str | bytes]) -> bytes:
    """Encode a protobuf message from the numbers and values of its fields.

    See https://protobuf.dev/programming-guides/encoding; every float here is a `float`, not a
    `double`, and bytes are also what a message within a message is.
    """
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts += [_varint(number << 3), _varint(value)]
        elif isinstance(value, float):
            parts += [_varint(number << 3 | 5), struct.pack("<f", value)]
        else:
            data = value.encode() if isinstance(value, str) else value
            parts += [_varint(number << 3 | 2), _varint(len(data)), data]
    return b"".join(parts)


def _varint(value: int) -> bytes:
    """Encode an integer in groups of 7 bits, the lowest first; a negative one as of 64 bits."""
    value &= (1 << 64) - 1
    groups = []
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _value_info(name: str, kind: int, *dimensions: int | str) -> bytes:
    """Encode a ValueInfoProto; a dimension is a number, or a name if it varies."""
    shape = _message(
        *((1, _message((1 if isinstance(size, int) else 2, size))) for size in dimensions)
    )
    return _message((1, name), (2, _message((1, _message((1, kind), (2, shape))))))


def _node(kind: str, inputs: tuple[str, ...], name: str, attributes: dict[str, Any]) -> bytes:
    """Encode a NodeProto, whose output has the name of the node."""
    return _message(
        *((1, edge) for edge in inputs),
        (2, name),
        (3, name),
        (4, kind),
        *((5, _attribute(key, value)) for key, value in sorted(attributes.items())),
    )


def _attribute(name: str, value: float | int | list[int]) -> bytes:
    """Encode an AttributeProto."""
    field, kind = _ATTRIBUTES[type(value)]
    values = value if isinstance(value, list) else [value]
    return _message((1, name), *((field, item) for item in values), (20, kind))


class _Graph:
    """Collects nodes and initializers; an edge is the name of the node it comes from."""

    def __init__(self, weights: Path) -> None:
        self.nodes: list[bytes] = []
        self.initializers: dict[str, bytes] = {}
        self._file = weights.name
        self._tensors, self._data_start = _safetensors_header(weights)

    def op(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add one operator and return the name of its output."""
        name = name or f"{kind}_{len(self.nodes)}"
        self.nodes.append(_node(kind, inputs, name, attributes))
        return name

    def constant(self, value: float | list[int]) -> str:
        """Add a float32 scalar or an int64 vector; equal constants are shared."""
        array = np.array(value, "<i8" if isinstance(value, list) else "<f4")
        name = f"constant_{value}"
        self.initializers[name] = _message(
            *((1, size) for size in array.shape),
            (2, _INT64 if isinstance(value, list) else _FLOAT),
            (8, name),
            (9, array.tobytes()),
        )
        return name

    def weight(self, name: str) -> str:
        """Add a tensor of the safetensors file as a reference to its bytes."""
        header = self._tensors.get(name)
        if header is None or header["dtype"] != "F32":
            raise ValueError(
                f"{self._file} must hold the weights of a BERT encoder; it has no float32 tensor "
                f"{name!r}."
            )
        start, end = header["data_offsets"]
        extent = {"location": self._file, "offset": self._data_start + start, "length": end - start}
        self.initializers[name] = _message(
            *((1, size) for size in header["shape"]),
            (2, _FLOAT),
            (8, name),
            *((13, _message((1, key), (2, str(value)))) for key, value in extent.items()),
            (14, _EXTERNAL),
        )
        return name

    def linear(self, x: str, prefix: str) -> str:
        """Add x @ weight.T + bias; onnxruntime removes the transposition when it loads the graph."""
        weight = self.op("Transpose", self.weight(f"{prefix}.weight"), perm=[1, 0])
        return self.op("Add", self.op("MatMul", x, weight), self.weight(f"{prefix}.bias"))

    def layer_norm(self, x: str, prefix: str, epsilon: float) -> str:
        """Add a layer normalization over the last axis."""
        scale, bias = self.weight(f"{prefix}.weight"), self.weight(f"{prefix}.bias")
        return self.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=epsilon)


def _safetensors_header(path: Path) -> tuple[dict[str, Any], int]:
    """Read the header of each tensor, and the offset at which the data starts.

    The format is 8 bytes of header length, a JSON header, and the data
    (https://huggingface.co/docs/safetensors#format).
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        (length,) = struct.unpack("<Q", file.read(8).ljust(8, b"\0"))
        if not 2 <= length <= size - 8:
            raise ValueError(f"{path.name} is not a safetensors file, or it is truncated.")
        return json.loads(file.read(length)), 8 + length


def _attention_bias(graph: _Graph) -> str:
    """Add 0 for tokens and -1e9 for padding; shape (batch, 1, 1, tokens)."""
    mask = graph.op("Cast", "attention_mask", to=_FLOAT)
    padding = graph.op("Sub", graph.constant(1.0), mask)
    bias = graph.op("Mul", padding, graph.constant(-1e9))
    return graph.op("Unsqueeze", bias, graph.constant([1, 2]))


def _token_embeddings(graph: _Graph, shape: BertShape) -> str:
    """Add the normalized sum of word, token type and position vectors."""
    words = graph.op("Gather", graph.weight("embeddings.word_embeddings.weight"), "input_ids")
    types = graph.op(
        "Gather", graph.weight("embeddings.token_type_embeddings.weight"), "token_type_ids"
    )
    tokens = graph.op("Shape", "input_ids", start=1, end=2)
    table = graph.weight("embeddings.position_embeddings.weight")
    positions = graph.op("Slice", table, graph.constant([0]), tokens, graph.constant([0]))
    summed = graph.op("Add", graph.op("Add", words, types), positions)
    return graph.layer_norm(summed, "embeddings.LayerNorm", shape.epsilon)


def _encoder_layer(graph: _Graph, prefix: str, x: str, bias: str, shape: BertShape) -> str:
    """Add multi-head self-attention and the feed-forward block, each with residual and norm."""
    head_size = shape.hidden // shape.heads

    def heads(part: str, perm: list[int]) -> str:
        projected = graph.linear(x, f"{prefix}.attention.self.{part}")
        split = graph.op("Reshape", projected, graph.constant([0, 0, shape.heads, head_size]))
        return graph.op("Transpose", split, perm=perm)

    query, key = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1])
    scores = graph.op("Mul", graph.op("MatMul", query, key), graph.constant(head_size**-0.5))
    weights = graph.op("Softmax", graph.op("Add", scores, bias), axis=-1)
    mixed = graph.op("MatMul", weights, heads("value", [0, 2, 1, 3]))
    mixed = graph.op("Transpose", mixed, perm=[0, 2, 1, 3])
    mixed = graph.op("Reshape", mixed, graph.constant([0, 0, shape.hidden]))
    output = graph.linear(mixed, f"{prefix}.attention.output.dense")
    attended = graph.layer_norm(
        graph.op("Add", output, x), f"{prefix}.attention.output.LayerNorm", shape.epsilon
    )

    inner = _gelu(graph, graph.linear(attended, f"{prefix}.intermediate.dense"))
    output = graph.linear(inner, f"{prefix}.output.dense")
    return graph.layer_norm(
        graph.op("Add", output, attended), f"{prefix}.output.LayerNorm", shape.epsilon
    )


def _gelu(graph: _Graph, x: str) -> str:
    """Add exact GELU, x/2 (1 + erf(x/sqrt 2)), in the order of operations that onnxruntime fuses."""
    scaled = graph.op("Div", x, graph.constant(2**0.5))
    gate = graph.op("Add", graph.op("Erf", scaled), graph.constant(1.0))
    return graph.op("Mul", graph.op("Mul", x, gate), graph.constant(0.5))
