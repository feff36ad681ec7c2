"""The region that describes chosen records best: a ball, a half-space, or both together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chromalab.engine import Positions, Reader
from chromalab.errors import InvalidArgumentError
from chromalab.search.regions import Ball, Plane, Region, RegionPart
from chromalab.search.vectors import in_space

__all__ = ["fit_region"]

_OTHERS = 20_000  # records that the half-space is learned from, beside the chosen ones
_STEPS = 300

Numbers = NDArray[np.float64]


def fit_region(reader: Reader, chosen: Positions, random_state: int) -> Region:
    """Find the region whose records are the chosen ones as nearly as possible, by F1.

    The candidates are a ball around the mean of the chosen records, a half-space by logistic regression,
    and both together. Radius and offset are those of the largest F1 over all records.

    Args:
        reader: Reads the collection.
        chosen: (n,) the positions of the records, each once.
        random_state: The seed of the sample that the half-space is learned from.

    Returns:
        The region, with its precision and recall.

    Raises:
        InvalidArgumentError: Fewer than two records are chosen, or all are.
    """
    if len(chosen) < 2:
        raise InvalidArgumentError(
            f"A region needs at least two selected records; got {len(chosen):,}. For one, use "
            "Ball(id, radius)."
        )
    is_chosen = np.zeros(len(reader), dtype=bool)
    is_chosen[chosen] = True
    if is_chosen.all():
        raise InvalidArgumentError(
            "All records are selected, which leaves none to tell them from. Select fewer."
        )
    ball = _cut(_ball(reader, chosen), reader, is_chosen)
    plane = _cut(_plane(reader, is_chosen, random_state), reader, is_chosen)
    candidates = [
        _measured(reader, parts, is_chosen) for parts in ((ball,), (plane,), (ball, plane))
    ]
    return max(candidates, key=_f1)  # the first of equals, which is the simpler one


def _ball(reader: Reader, chosen: Positions) -> Ball:
    center = in_space(reader.vectors(chosen), reader.space).mean(axis=0)
    return Ball(center, 0.0)


def _plane(reader: Reader, is_chosen: NDArray[np.bool_], random_state: int) -> Plane:
    from sklearn.linear_model import LogisticRegression

    chosen, others = np.flatnonzero(is_chosen), np.flatnonzero(~is_chosen)
    random = np.random.default_rng(random_state)
    few = [random.permutation(rows)[:_OTHERS] for rows in (chosen, others)]
    sample = np.sort(np.concatenate(few))
    rows = in_space(reader.vectors(sample), reader.space)
    center = rows.mean(axis=0)
    scale = np.sqrt(((rows - center) ** 2).sum(axis=1).mean()) or 1.0
    model = LogisticRegression(
        class_weight="balanced", max_iter=_STEPS, random_state=random_state, tol=1e-3
    )
    model.fit((rows - center) / scale, is_chosen[sample])
    normal = model.coef_[0] / (np.linalg.norm(model.coef_[0]) or 1.0)
    return Plane(normal, 0.0)


def _cut(part: Ball | Plane, reader: Reader, is_chosen: NDArray[np.bool_]) -> RegionPart:
    """Move the boundary of a part, which is at 0, to where F1 is largest."""
    depths = part.margins(reader, np.arange(len(is_chosen)))
    order = np.argsort(-depths, kind="stable")
    depths, hits = depths[order], np.cumsum(is_chosen[order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + hits[-1])
    is_end = np.append(np.diff(depths) < 0, True)  # records at the same depth are not parted
    last = int(np.argmax(np.where(is_end, f1, -1.0)))
    depth = float(depths[last])
    if last + 1 < len(depths):  # half of the gap to the next record, for records to come
        depth = (depth + float(depths[last + 1])) / 2
    if isinstance(part, Ball):
        return replace(part, radius=-depth)
    return replace(part, offset=depth)


def _measured(
    reader: Reader, parts: tuple[RegionPart, ...], is_chosen: NDArray[np.bool_]
) -> Region:
    is_inside = Region(parts).margins(reader, np.arange(len(is_chosen))) >= 0
    both = int(np.count_nonzero(is_inside & is_chosen))
    precision = both / (int(np.count_nonzero(is_inside)) or 1)
    return Region(parts, precision, both / int(np.count_nonzero(is_chosen)))


def _f1(region: Region) -> float:
    precision, recall = region.precision or 0.0, region.recall or 0.0
    return 2 * precision * recall / ((precision + recall) or 1.0)
