"""The datasets by name, read from the files in this folder.

Licenses: the facts were written by the authors of chromalab and are released under CC0-1.0. The speech
is a work of the US government, in the public domain in the United States (17 U.S.C. 105). Banking77 is
by PolyAI, under CC BY 4.0; README.md in this folder lists what was changed.
"""

from __future__ import annotations

import json
from typing import Any

from chromalab.datasets.dataset import Dataset, Query
from chromalab.datasets.passages import passages
from chromalab.errors import NotFoundError, near

__all__ = ["load", "names"]

_BANKING_LICENSE = "CC-BY-4.0"
_BANKING_SOURCE = (
    "Iñigo Casanueva, Tadas Temčinas, Daniela Gerz, Matthew Henderson and Ivan Vulić, 2020: "
    "Efficient Intent Detection with Dual Sentence Encoders, https://arxiv.org/abs/2003.04807. "
    "By PolyAI; this is its training split."
)
_FACTS_LICENSE = "CC0-1.0"
_FACTS_SOURCE = "Written by hand for chromalab."
_SPEECH_LICENSE = "public domain"
_SPEECH_SOURCE = (
    "President Joe Biden to the Congress of the United States, 7 March 2024; "
    "White House transcript, a US government work (17 U.S.C. 105)."
)


def names() -> tuple[str, ...]:
    """Return the names that `load` takes.

    Example:
        >>> from chromalab import datasets
        >>> datasets.names()
        ('banking77', 'facts', 'speech')
    """
    return tuple(_LOADERS)


def load(name: str) -> Dataset:
    """Load one of the datasets included in chromalab; nothing is downloaded.

    Args:
        name: One of `names()`.

    Returns:
        A new `Dataset` on each call, so that changing its metadata dictionaries has no side effects.

    Raises:
        NotFoundError: No dataset has that name.

    Example:
        >>> from chromalab import datasets
        >>> speech = datasets.load("speech")
        >>> speech.ids[0], speech.metadatas[0]
        ('speech-001', {'passage': 1, 'words': 63})
    """
    if name not in _LOADERS:
        raise NotFoundError(f"No dataset {name!r}. {near(name, names(), what='Datasets')}")
    return _LOADERS[name]()


def _banking() -> Dataset:
    questions = _read_jsonl("banking77.jsonl.gz")
    return Dataset(
        name="banking77",
        description="10,003 questions from customers of a bank, each with one of 77 intents.",
        license=_BANKING_LICENSE,
        source=_BANKING_SOURCE,
        ids=tuple(f"bank-{position:05d}" for position in range(1, len(questions) + 1)),
        documents=tuple(row["text"] for row in questions),
        metadatas=tuple({"intent": row["intent"]} for row in questions),
    )


def _facts() -> Dataset:
    facts = _read_jsonl("facts.jsonl")
    return Dataset(
        name="facts",
        description="One-sentence facts on 8 topics, with queries that share few words with them.",
        license=_FACTS_LICENSE,
        source=_FACTS_SOURCE,
        ids=tuple(fact["id"] for fact in facts),
        documents=tuple(fact["text"] for fact in facts),
        metadatas=tuple(
            {key: fact[key] for key in ("topic", "year") if key in fact} for fact in facts
        ),
        queries=tuple(
            Query(query["query"], tuple(query["relevant"]))
            for query in _read_jsonl("facts_queries.jsonl")
        ),
    )


def _speech() -> Dataset:
    documents = tuple(passages(_read_text("speech.txt")))
    positions = range(1, len(documents) + 1)
    return Dataset(
        name="speech",
        description="The 2024 State of the Union address in passages of whole sentences.",
        license=_SPEECH_LICENSE,
        source=_SPEECH_SOURCE,
        ids=tuple(f"speech-{position:03d}" for position in positions),
        documents=documents,
        metadatas=tuple(
            {"passage": position, "words": len(document.split())}
            for position, document in zip(positions, documents, strict=True)
        ),
    )


_LOADERS = {"banking77": _banking, "facts": _facts, "speech": _speech}


def _read_text(file: str) -> str:
    # Imported here because importlib.resources also imports zipfile and tempfile on older Pythons.
    from importlib.resources import files

    data = files("chromalab.datasets").joinpath(file).read_bytes()
    if file.endswith(".gz"):
        import gzip

        data = gzip.decompress(data)
    return data.decode()


def _read_jsonl(file: str) -> list[dict[str, Any]]:
    # Only "\n" ends a JSON line; str.splitlines would also split at U+2028 inside a string.
    return [json.loads(line) for line in _read_text(file).split("\n") if line]
