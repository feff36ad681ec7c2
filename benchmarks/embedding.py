"""Embedding speed: MiniLM with dynamic padding, against padding every text to 256 tokens.

Both run the same session on the same weights, in alternating rounds, after one round that is not
counted. Padding to 256 in batches of 32 is what Chroma's default function does; it is timed on a
sample and reported per text. WordLlama is measured as well.

    python benchmarks/embedding.py
    python benchmarks/embedding.py --csv train.csv      # first column of a CSV file with a header
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chromalab import datasets
from chromalab.embed import MiniLM, WordLlama, shows_progress
from chromalab.embed.minilm import _encoder

PADDED_TOKENS, PADDED_BATCH = 256, 32
Embed = Callable[[list[str]], NDArray[np.float32]]


def read_texts(path: Path | None, count: int, seed: int) -> list[str]:
    """Draw random texts from a CSV file, or join random pairs of the packaged facts."""
    rng = random.Random(seed)
    if path is None:
        facts = list(datasets.load("facts").documents)
        return [" ".join(rng.sample(facts, 2)) for _ in range(count)]
    with path.open(newline="", encoding="utf-8") as file:
        return rng.sample([row[0] for row in csv.reader(file)][1:], count)


def embed_padded(texts: list[str]) -> NDArray[np.float32]:
    """Embed with every text padded to 256 tokens, and return float32 (n, 384)."""
    encoder = _encoder()
    parts = []
    for start in range(0, len(texts), PADDED_BATCH):
        encodings = encoder._tokenizer.encode_batch(texts[start : start + PADDED_BATCH])
        ids = np.zeros((len(encodings), PADDED_TOKENS), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = encoder._session.run(["last_hidden_state"], feed)[0]
        summed = (hidden * mask[..., np.newaxis].astype(np.float32)).sum(axis=1)
        parts.append(summed / np.linalg.norm(summed, axis=1, keepdims=True))
    return np.concatenate(parts)


def timed(embed: Embed, texts: list[str]) -> tuple[float, float]:
    """Return the wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    embed(texts)
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Run the rounds and print the table."""
    shows_progress.set(False)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--csv", type=Path, help="texts to use instead of the packaged facts")
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument(
        "--sample", type=int, default=128, help="number of texts that are padded to 256 tokens"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    texts = read_texts(options.csv, options.texts, options.seed)
    sample = texts[: options.sample]
    ways: dict[str, tuple[Embed, list[str]]] = {
        "MiniLM": (MiniLM(), texts),
        "MiniLM, padded to 256": (embed_padded, sample),
        "WordLlama": (WordLlama(), texts),
    }
    difference = np.abs(MiniLM()(sample) - embed_padded(sample)).max()
    rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for counted in [False] + [True] * options.rounds:
        for name, (embed, given) in ways.items():
            seconds = timed(embed, given)
            if counted:
                rounds[name].append(seconds)

    source = options.csv.name if options.csv else "pairs of the packaged facts"
    words = statistics.mean(len(text.split()) for text in texts)
    print(f"{len(texts):,} texts from {source}, {words:.0f} words on average, seed {options.seed}")
    print(f"{os.cpu_count()} processors, median of {options.rounds} alternating rounds;", end=" ")
    print(f"padding timed on {len(sample)} texts; largest difference {difference:.1e}\n")
    print("| | wall s per 1,000 texts | CPU s per 1,000 texts | texts/s | ratio to padded |")
    print("|---|---:|---:|---:|---:|")
    rates = {
        name: tuple(
            1000 * statistics.median(column) / len(ways[name][1])
            for column in zip(*rounds[name], strict=True)
        )
        for name in ways
    }
    padded = rates["MiniLM, padded to 256"][0]
    for name, (wall, cpu) in rates.items():
        print(f"| {name} | {wall:.3f} | {cpu:.3f} | {1000 / wall:,.0f} | {padded / wall:.1f} |")


if __name__ == "__main__":
    main()
