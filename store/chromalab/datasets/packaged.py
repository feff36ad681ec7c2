"""The datasets by name, read from the files beside this module.

Licences: the facts are the work of chromalab's authors, given away under CC0-1.0. The speech is a
work of the US government, in the public domain in the United States (17 U.S.C. 105). Banking77 is the
work of PolyAI, CC BY 4.0; what was changed is in README.md beside this module.
"""

from __future__ import annotations

import json
from typing import Any

from chromalab.datasets.dataset import Dataset, Query
from chromalab.datasets.passages import passages
from chromalab.errors import NotFoundError, near

__all__ = ["load", "names"]

_BANKING_LICENCE = "CC-BY-4.0"
_BANKING_SOURCE = (
    "Iñigo Casanueva, Tadas Temčinas, Daniela Gerz, Matthew Henderson and Ivan Vulić, 2020: "
    "Efficient Intent Detection with Dual Sentence Encoders, https://arxiv.org/abs/2003.04807. "
    "The data of PolyAI, its train part."
)
_FACTS_LICENCE = "CC0-1.0"
_FACTS_SOURCE = "Written by hand for chromalab."
_SPEECH_LICENCE = "public domain"
_SPEECH_SOURCE = (
    "President Joe Biden to the Congress of the United States, 7 March 2024; "
    "White House transcript, a US government work (17 U.S.C. 105)."
)


def names() -> tuple[str, ...]:
    """Return the names that `load` knows.

    Example:
        >>> from chromalab import datasets
        >>> datasets.names()
        ('banking77', 'facts', 'speech')
    """
    return tuple(_LOADERS)


def load(name: str) -> Dataset:
    """Read one of the datasets that come with chromalab; nothing is downloaded.

    Args:
        name: One of `names()`.

    Returns:
        A new `Dataset` each time, so changing its metadata dictionaries harms nobody else.

    Raises:
        NotFoundError: There is no dataset of that name.

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
    asked = _read_jsonl("banking77.jsonl.gz")
    return Dataset(
        name="banking77",
        description="What customers ask a bank, 10,003 times, each with one of 77 intents.",
        licence=_BANKING_LICENCE,
        source=_BANKING_SOURCE,
        ids=tuple(f"bank-{position:05d}" for position in range(1, len(asked) + 1)),
        documents=tuple(row["text"] for row in asked),
        metadatas=tuple({"intent": row["intent"]} for row in asked),
    )


def _facts() -> Dataset:
    facts = _read_jsonl("facts.jsonl")
    return Dataset(
        name="facts",
        description="One-sentence facts on 8 topics, with queries that share few words with them.",
        licence=_FACTS_LICENCE,
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
        licence=_SPEECH_LICENCE,
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
    # Imported here: importlib.resources brings zipfile and tempfile along on older Pythons.
    from importlib.resources import files

    data = files("chromalab.datasets").joinpath(file).read_bytes()
    if file.endswith(".gz"):
        import gzip

        data = gzip.decompress(data)
    return data.decode()


def _read_jsonl(file: str) -> list[dict[str, Any]]:
    # Only "\n" ends a JSON line; str.splitlines would also cut at U+2028 inside a string.
    return [json.loads(line) for line in _read_text(file).split("\n") if line]
