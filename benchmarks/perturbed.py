"""Glosses and altered copies of them, so that the true duplicates are known for certain."""

from __future__ import annotations

import csv
import gzip
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EDITS", "SOURCE", "Perturbed"]

SOURCE = Path(__file__).parents[2] / "shared" / "data" / "wordnet" / "wordnet30_glosses.tsv.gz"

_FEWEST_WORDS = 5  # words of a copied gloss; an edit leaves too little of a shorter one
_KEYS = "abcdefghijklmnopqrstuvwxyz"

Synonyms = Mapping[str, Sequence[str]]
Edit = Callable[[str, random.Random, Synonyms], str]


@dataclass(frozen=True)
class Perturbed:
    """Distinct glosses, then altered copies of some of them.

    No two of the glosses are equal when case, spaces and punctuation are ignored, so that equal ones,
    of which WordNet has some, are not counted as errors. Glosses that are merely similar ("port city
    in southern Norway") remain, and they count as errors if they are reported as duplicates.

    Attributes:
        texts: The glosses, then the copies.
        pairs: (gloss, copy), rows of `texts`.
        edits: For each pair, the name of its edit in `EDITS`.
    """

    texts: list[str]
    pairs: list[tuple[int, int]]
    edits: list[str]

    @classmethod
    def make(
        cls, glosses: int = 10_000, copies: int = 2_500, seed: int = 0, source: Path = SOURCE
    ) -> Perturbed:
        """Draw glosses, and copy `copies` of them, with each edit equally often."""
        texts, synonyms = _read(source)
        chosen = random.Random(seed).sample(texts, glosses)
        return cls.of(chosen, copies, seed=seed, synonyms=synonyms)

    @classmethod
    def of(
        cls, texts: Sequence[str], copies: int, *, seed: int = 0, synonyms: Synonyms | None = None
    ) -> Perturbed:
        """Copy other texts in the same way; the texts should not contain duplicates."""
        rng = random.Random(seed)
        synonyms = _read(SOURCE)[1] if synonyms is None else synonyms
        long = [row for row, text in enumerate(texts) if len(text.split()) >= _FEWEST_WORDS]
        pairs, edits, made = [], [], []
        names = list(EDITS)
        for row in rng.sample(long, len(long)):
            if len(made) == copies:
                break
            name = names[len(made) % len(names)]
            copy = EDITS[name](texts[row], rng, synonyms)
            if copy == texts[row]:  # there was nothing to edit, so the next text gets this edit
                continue
            pairs.append((row, len(texts) + len(made)))
            edits.append(name)
            made.append(copy)
        return cls([*texts, *made], pairs, edits)


def _read(source: Path) -> tuple[list[str], dict[str, list[str]]]:
    """Read glosses that differ by more than case and punctuation, and the synonyms of each word."""
    texts: dict[str, str] = {}
    senses: dict[str, list[list[str]]] = defaultdict(list)
    with gzip.open(source, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t")
        next(rows)
        for _, _, lemmas, gloss in rows:
            texts.setdefault("".join(c for c in gloss.casefold() if c.isalnum()), gloss)
            words = [w for w in lemmas.split("; ") if w.isalpha() and w.islower()]
            for word in words:
                senses[word].append([other for other in words if other != word])
    synonyms = {
        word: sorted({other for others in groups for other in others})
        for word, groups in senses.items()
        if len(word) > 3
        and len(groups) <= 4
        and any(groups)  # with more senses, most synonyms would be wrong
    }
    return list(texts.values()), synonyms


def _case(text: str, rng: random.Random, synonyms: Synonyms) -> str:
    return rng.choice([str.upper, str.title, str.swapcase])(text)


def _punctuation(text: str, rng: random.Random, synonyms: Synonyms) -> str:
    words = text.replace(",", "").replace(";", " -").replace("(", "").replace(")", "").split()
    words[rng.randrange(len(words))] += rng.choice([",", ";", " -", "..."])
    return "  ".join(words) + rng.choice([".", "!", "...", " "])


def _typos(count: int) -> Edit:
    def edit(text: str, rng: random.Random, synonyms: Synonyms) -> str:
        for _ in range(count):
            at = rng.randrange(len(text) - 1)
            kind = rng.randrange(4)
            if kind == 0:
                text = text[:at] + text[at + 1 :]
            elif kind == 1:
                text = text[:at] + rng.choice(_KEYS) + text[at:]
            elif kind == 2:
                text = text[:at] + rng.choice(_KEYS) + text[at + 1 :]
            else:
                text = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
        return text

    return edit


def _drop(text: str, rng: random.Random, synonyms: Synonyms) -> str:
    words = text.split()
    for _ in range(max(1, len(words) // 8)):
        del words[rng.randrange(len(words))]
    return " ".join(words)


def _insert(text: str, rng: random.Random, synonyms: Synonyms) -> str:
    words = text.split()
    known = sorted(synonyms)
    for _ in range(max(1, len(words) // 8)):
        words.insert(rng.randrange(len(words) + 1), rng.choice(known))
    return " ".join(words)


def _swap(text: str, rng: random.Random, synonyms: Synonyms) -> str:
    words = text.split()
    first, second = rng.sample(range(len(words)), 2)
    words[first], words[second] = words[second], words[first]
    return " ".join(words)


def _paraphrase(text: str, rng: random.Random, synonyms: Synonyms) -> str:
    """Replace two or three words by synonyms; texts with fewer such words are unchanged."""
    words = text.split()
    known = [at for at, word in enumerate(words) if word in synonyms]
    if len(known) < 2:
        return text
    for at in rng.sample(known, min(3, len(known))):
        words[at] = rng.choice(synonyms[words[at]])
    return " ".join(words)


EDITS: dict[str, Edit] = {
    "case": _case,
    "punctuation": _punctuation,
    "2 typos": _typos(2),
    "6 typos": _typos(6),
    "drop": _drop,
    "insert": _insert,
    "swap": _swap,
    "paraphrase": _paraphrase,
}
"""The edits: name -> function of the text, the random generator and the synonyms."""
