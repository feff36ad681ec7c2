"""Runs scenarios with a client of either library and logs the results.

Each scenario in `scenarios_*.py` takes a `Script` and performs one step after another; the
script logs the return value of each step, or the name of its exception. `record.py` runs them on chromadb
and stores the results in `chroma_1_5_9.json`; `test_contract.py` runs the same steps on chromalab and
compares the results.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def plain(value: Any) -> Any:
    """Convert a result to JSON: arrays to lists, floats to 5 digits, collection ids masked."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), 5) if math.isfinite(value) else repr(float(value))
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, str):
        return _UUID.sub("<uuid>", value)
    if value is None or isinstance(value, (int, bool)):
        return value
    return type(value).__name__


class Script:
    """A client of one of the libraries, and a log of its results."""

    def __init__(self, library: ModuleType, client: Any) -> None:
        self.library = library
        self.client = client
        self.log: list[dict[str, Any]] = []

    def do(self, what: str, step: Callable[[], Any]) -> Any:
        """Run one step, and log its value or the name of its exception."""
        try:
            value = step()
        except Exception as error:
            self.log.append({"step": what, "raises": type(error).__name__})
            return None
        self.log.append({"step": what, "value": plain(value)})
        return value

    def three(self, name: str = "three", **options: Any) -> Any:
        """Create a collection of three records with two dimensions."""
        options.setdefault("embedding_function", None)
        collection = self.client.create_collection(name, **options)
        collection.add(
            ids=["a", "b", "c"],
            embeddings=[[1.0, 0.0], [0.0, 2.0], [-3.0, 0.5]],
            documents=["an apple a day", "Bananas are yellow", "100% of cherries_red"],
            metadatas=[
                {"n": 1, "kind": "pome", "ripe": True},
                {"n": 2.5, "kind": "berry"},
                {"n": 3, "ripe": False, "tags": ["red", "small"]},
            ],
        )
        return collection
