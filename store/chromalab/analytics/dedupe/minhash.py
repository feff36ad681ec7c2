"""Near-duplicate texts: MinHash finds candidate pairs, and Jaccard measures their similarity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["jaccard", "near_pairs"]

Rows = NDArray[np.int64]
Numbers = NDArray[np.uint64]

# Texts become a candidate pair if all 5 values of one of 40 bands are equal. The probability of that is
# 1 - (1 - j**5)**40: .9994 at a Jaccard of .7, .96 at .6, .72 at .5, and 1 in 2,500 for unrelated English
# texts (.1).
_BANDS, _BAND = 40, 5
_WINDOW = 50  # in a crowded bucket, each text is paired with only this many of the next ones
_CHARACTERS = 2_000_000  # processed at a time
_BITS = np.uint64(21)  # per code point, so that three of them fit into 64


def near_pairs(
    texts: Sequence[str],
    *,
    random_state: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Rows, Rows]:
    """Find pairs of texts that may share most of their three-character substrings.

    MinHash (Broder, "On the resemblance and containment of documents", 1997), as implemented by rensa,
    with bands: texts that agree on all values of a band are a candidate pair. `jaccard` then measures
    the pairs.

    Args:
        texts: (n,) normalized texts, distinct and non-empty.
        random_state: The seed of the hash functions.
        on_progress: Called with the number of texts done and the total.

    Returns:
        Two (p,) int64, the rows of the pairs, sorted, with left < right.

    Example:
        >>> near_pairs(["a cup of green tea", "the rain in spain", "a cup of green teas"])
        (array([0]), array([2]))
    """
    keys = np.empty((len(texts), _BANDS), dtype=np.uint64)
    for start, end in _blocks(texts):
        keys[start:end] = _band_keys(texts[start:end], random_state)
        if on_progress is not None:
            on_progress(end, len(texts))
    # The row replaces the last bits of a key, because sorting numbers is faster than sorting rows by
    # keys. If that makes different keys equal, their Jaccard still separates them.
    bits = np.uint64(max(len(texts) - 1, 1).bit_length())
    rows = np.arange(len(texts), dtype=np.uint64)
    found = [np.empty(0, dtype=np.int64)]
    for band in range(_BANDS):
        ordered = np.sort((keys[:, band] >> bits) << bits | rows)
        row = (ordered & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)
        ordered >>= bits
        for ahead in range(1, min(_WINDOW, len(texts) - 1) + 1):
            at = np.flatnonzero(ordered[ahead:] == ordered[:-ahead])
            if not len(at):
                break
            found.append(row[at] * len(texts) + row[at + ahead])  # rows ascend within a key
    pairs = np.sort(np.concatenate(found))
    pairs = pairs[np.diff(pairs, prepend=-1) != 0]
    return pairs // max(len(texts), 1), pairs % max(len(texts), 1)


def jaccard(texts: Sequence[str], left: Rows, right: Rows) -> NDArray[np.float32]:
    """Return the Jaccard similarity of the three-character substrings of pairs of texts.

    A space is added before and after each text, so that its first and last words count as much as the
    others.

    Args:
        texts: (n,) normalized texts.
        left: (p,) int64, rows of `texts`.
        right: (p,) int64, rows of `texts`.

    Returns:
        (p,) float32, from 0 to 1; 0 if a text is empty.

    Example:
        >>> texts = ["tea", "teas", "tea"]
        >>> [round(float(j), 2) for j in jaccard(texts, np.array([0, 0]), np.array([1, 2]))]
        [0.4, 1.0]
    """
    from scipy import sparse

    shared = np.zeros(len(left), dtype=np.float32)
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    work = np.cumsum(lengths[left] + lengths[right]) // _CHARACTERS
    starts = np.flatnonzero(np.diff(work, prepend=-1))
    for start, end in pairwise([*starts, len(left)]):
        rows, place = np.unique(
            np.concatenate([left[start:end], right[start:end]]), return_inverse=True
        )
        grams, ends = _grams([texts[row] for row in rows])
        # The number of a substring, of 63 bits, is its column. Columns cost nothing in this format.
        data = (np.ones(len(grams), dtype=np.int32), grams.astype(np.int64), ends)
        sets = sparse.csr_array(data, shape=(len(rows), np.iinfo(np.int64).max))
        sets.sum_duplicates()
        sets.data[:] = 1
        one, other = place[: end - start], place[end - start :]
        both = sets[one].multiply(sets[other]).sum(axis=1)
        sizes = np.diff(sets.indptr)
        shared[start:end] = both / np.maximum(sizes[one] + sizes[other] - both, 1)
    return shared


def _band_keys(texts: Sequence[str], random_state: int) -> Numbers:
    """Return (n, bands) uint64 keys, which are equal for texts that agree on a band."""
    grams, ends = _grams(texts)
    minima = _minima(_mixed(grams), ends, random_state % 2**64)
    values = minima.reshape(len(texts), _BANDS, _BAND)
    keys = np.zeros((len(texts), _BANDS), dtype=np.uint64)
    for place in range(_BAND):
        keys = _mixed(keys ^ values[:, :, place])
    return keys


def _minima(numbers: Numbers, ends: Rows, seed: int) -> Numbers:
    """Return (n, bands * band) uint64, the minima of each text's numbers under that many hash functions."""
    try:
        from rensa import RMinHash
    except ImportError:  # it has no wheel for Python 3.10 on macOS; this takes longer
        seeds = _mixed(np.arange(_BANDS * _BAND, dtype=np.uint64) + np.uint64(seed))
        return np.stack(
            [np.minimum.reduceat(_mixed(numbers ^ one), ends[:-1]) for one in seeds], axis=1
        )
    digests = RMinHash.digest_matrix_from_flat_token_hashes(
        numbers, ends.astype(np.uint64), _BANDS * _BAND, seed
    )
    return np.array(digests.to_rows(), dtype=np.uint64)


def _grams(texts: Sequence[str]) -> tuple[Numbers, Rows]:
    """Return the three-character substrings of all texts as numbers, and (n + 1,) where each text begins.

    Three code points fill 63 of 64 bits, so different substrings have different numbers.
    """
    text = "".join([f" {one} " for one in texts])
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    lengths = np.fromiter((len(text) for text in texts), dtype=np.int64, count=len(texts))
    if not len(codes):
        return codes, np.zeros(1, dtype=np.int64)
    runs = (codes[:-2] << _BITS | codes[1:-1]) << _BITS | codes[2:]
    within = np.ones(len(codes), dtype=bool)
    last = np.cumsum(lengths + 2) - 1
    within[last] = within[last - 1] = False  # these would reach into the next text
    return runs[within[: len(runs)]], np.concatenate([[0], np.cumsum(lengths)])


def _mixed(numbers: Numbers) -> Numbers:
    """Mix numbers over all 64 bits with the finalizer of SplitMix64 (Steele, Lea, Flood 2014)."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ mixed >> np.uint64(31)


def _blocks(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Split texts into blocks of about 2,000,000 characters, and of at most 10,000 texts."""
    blocks, start, size = [], 0, 0
    for end, text in enumerate(texts, 1):
        size += len(text)
        if size >= _CHARACTERS or end - start >= 10_000:
            blocks.append((start, end))
            start, size = end, 0
    return [*blocks, (start, len(texts))] if start < len(texts) else blocks
