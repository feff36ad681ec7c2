"""The labeled sets of texts that the analyses are measured on, and their vectors."""

from __future__ import annotations

import csv
import gzip
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from perturbed import Perturbed

__all__ = ["SETS", "Absent", "Texts", "embed", "embedded", "read", "vectors"]

SHARED = Path(__file__).parents[2] / "shared" / "data"
FOREIGN = 200
_BATCH = 2000

Vectors = NDArray[np.float32]


class Absent(Exception):
    """The files of a set are missing; the message names one."""


@dataclass(frozen=True)
class Texts:
    """Texts with their labels.

    Attributes:
        texts: The texts.
        labels: By kind of label, one label per text.
        pairs: Rows that are the same, in sets with duplicates.
        lefts: The number of texts from the first of two tables, in sets for record linkage.
    """

    texts: list[str]
    labels: dict[str, list[str]] = field(default_factory=dict)
    pairs: list[tuple[int, int]] = field(default_factory=list)
    lefts: int = 0


def read(name: str, rows: int | None = None) -> Texts:
    """Read a set of `SETS`, or at most `rows` of its texts.

    Raises:
        Absent: The files of the set are missing.
    """
    try:
        return SETS[name](rows)
    except FileNotFoundError as error:
        raise Absent(
            f"{error.filename} is missing; benchmarks/README.md lists the sources of the data."
        ) from error


def vectors(folder: Path, name: str, model: str, rows: int | None = None) -> Vectors:
    """Return the vectors that `embed` stored: (n, dimension) float32 of unit length."""
    return np.load(_file(folder, name, model, rows))


def embed(meter: Any, folder: Path, name: str, model: str, rows: int | None = None) -> None:
    """Embed a set with "MiniLM" or "WordLlama" and store the vectors, unless they are stored."""
    from chromalab.embed import MiniLM, WordLlama, shows_progress

    if _file(folder, name, model, rows).exists():
        return
    shows_progress.set(False)
    made = {"MiniLM": MiniLM, "WordLlama": WordLlama}[model]()
    texts = read(name, rows).texts
    parts = [np.asarray(made(texts[at : at + _BATCH])) for at in range(0, len(texts), _BATCH)]
    whole = np.concatenate(parts).astype(np.float32)
    whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-12)
    np.save(_file(folder, name, model, rows), whole)


def embedded(folder: Path, texts: list[str], model: str) -> Vectors:
    """Embed texts with "MiniLM" or "WordLlama", or read their vectors from the cache by hash."""
    from chromalab.embed import MiniLM, WordLlama, shows_progress

    digest = blake2b("\0".join(texts).encode(), digest_size=12).hexdigest()
    file = folder / f"{model}-{digest}.npy"
    if not file.exists():
        shows_progress.set(False)
        made = {"MiniLM": MiniLM, "WordLlama": WordLlama}[model]()
        parts = [made(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        np.save(file, np.concatenate([np.asarray(part, dtype=np.float32) for part in parts]))
    return np.load(file)


def _file(folder: Path, name: str, model: str, rows: int | None) -> Path:
    return folder / f"{name}-{model}-{rows or 'all'}.npy"


def _some(texts: list[str], labels: dict[str, list[str]], rows: int | None) -> Texts:
    chosen = sorted(random.Random(0).sample(range(len(texts)), min(rows or len(texts), len(texts))))
    return Texts(
        [texts[row] for row in chosen],
        {kind: [values[row] for row in chosen] for kind, values in labels.items()},
    )


def _banking(file: str) -> Callable[[int | None], Texts]:
    def make(rows: int | None) -> Texts:
        with (SHARED / "banking77" / file).open(newline="", encoding="utf-8") as lines:
            table = list(csv.DictReader(lines))
        texts = [line["text"].strip() for line in table]
        return _some(texts, {"intent": [line["category"] for line in table]}, rows)

    return make


def _trec(file: str) -> Callable[[int | None], Texts]:
    def make(rows: int | None) -> Texts:
        lines = (SHARED / "trec" / file).read_text(encoding="latin-1").splitlines()
        classes, texts = zip(*(line.strip().split(" ", 1) for line in lines), strict=True)
        coarse = [one.partition(":")[0] for one in classes]
        return _some(list(texts), {"fine": list(classes), "coarse": coarse}, rows)

    return make


def _glosses(rows: int | None) -> Texts:
    path = SHARED / "wordnet" / "wordnet30_glosses.tsv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        table = list(csv.reader(file, delimiter="\t"))[1:]
    return _some([line[3] for line in table], {"lexname": [line[1] for line in table]}, rows)


def _perturbed(rows: int | None) -> Texts:
    total = rows or 12_500
    made = Perturbed.make(total * 4 // 5, total // 5, source=SHARED / "wordnet" / _GLOSSES)
    return Texts(made.texts, {"edit": made.edits}, made.pairs)


def _linked(name: str) -> Callable[[int | None], Texts]:
    def make(rows: int | None) -> Texts:
        found = json.loads((SHARED / "er" / f"er_{name}.json").read_text(encoding="utf-8"))
        pairs = [(left, right) for left, right in found["pos"]]
        return Texts(found["texts"], pairs=pairs, lefts=found["n_left"])

    return make


def _foreign(source: str) -> Callable[[int | None], Texts]:
    """Make 200 texts of another set, whatever number is requested."""

    def make(_: int | None) -> Texts:
        if source == "snli":
            away = (SHARED / "snli" / "s2.test").read_text(encoding="utf-8").splitlines()
        else:
            away = SETS[source](None).texts
        return Texts(random.Random(0).sample(sorted({text.strip() for text in away}), FOREIGN))

    return make


_GLOSSES = "wordnet30_glosses.tsv.gz"

SETS: dict[str, Callable[[int | None], Texts]] = {
    "banking77": _banking("train.csv"),
    "banking77 test": _banking("test.csv"),
    "trec": _trec("TREC.train"),
    "trec test": _trec("TREC.test"),
    "glosses": _glosses,
    "perturbed": _perturbed,
    "abt_buy": _linked("abt_buy"),
    "walmart_amazon": _linked("walmart_amazon"),
    "200 of trec": _foreign("trec"),
    "200 of snli": _foreign("snli"),
    "200 of glosses": _foreign("glosses"),
}
"""Name -> function of the maximum number of texts, None for all; linked sets are always complete."""
