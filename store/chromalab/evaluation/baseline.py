"""Baselines: the result lists of an evaluation, stored with a collection to compare later ones with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from chromalab.engine import Attachment
from chromalab.errors import InternalError, InvalidArgumentError, short
from chromalab.evaluation.metrics import of_list, paired
from chromalab.evaluation.results import Compared, Evaluation, Scored, State
from chromalab.judgments.arguments import check_time, required_text

__all__ = ["KIND", "Baseline", "RelevantSet", "check_name", "compare"]

KIND = "evaluation"
"""The kind of attachment that baselines are stored as."""

_NEW = "queries that are not in the baseline"
_OTHER = "queries whose text has changed"


@dataclass(frozen=True)
class RelevantSet:
    """The known answers to a query.

    Attributes:
        grades: The grade of each answer that exists, above 0.
        gone: The judged records that no longer exist.
    """

    grades: Mapping[str, float]
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Baseline:
    """An evaluation as it is stored: its lists, so that they can be measured by later judgments.

    Attributes:
        name: The name of the set of queries; "" if the evaluation was passed directly.
        state: What was evaluated.
        lists: For each query its text, None for a vector, and the first k records.
        number: The number of the attachment.
    """

    name: str
    state: State
    lists: Mapping[str, tuple[str | None, tuple[str, ...]]]
    number: int | None = None

    @classmethod
    def of(cls, evaluation: Evaluation, name: str = "") -> Baseline:
        """Take the lists of an evaluation."""
        lists = {scored.key: (scored.text, scored.ids) for scored in evaluation.scores}
        return cls(name, evaluation.state, lists)

    def attachment(self) -> Attachment:
        """Return the baseline as it is stored."""
        lists = [[key, text, list(ids)] for key, (text, ids) in self.lists.items()]
        return Attachment(KIND, {"state": asdict(self.state), "lists": lists}, self.name)

    @classmethod
    def read(cls, attachment: Attachment) -> Baseline:
        """Read a stored baseline, which is treated as untrusted.

        Raises:
            InternalError: It is damaged or was written by another program.
        """
        try:
            state = _state(attachment.body["state"])
            lists = {key: _list(text, ids) for key, text, ids in attachment.body["lists"]}
            if not all(isinstance(key, str) for key in lists):
                raise TypeError("the key of a query is not a text")
        except (KeyError, TypeError, ValueError) as error:
            raise InternalError(
                f"The baseline {short(attachment.name)} is damaged: {error}. evaluate(..., replace=True) "
                "stores another in its place."
            ) from error
        return cls(attachment.name or "", state, lists, attachment.number)


def check_name(name: Any) -> str:
    """Check the name of a baseline: at most 200 printable characters."""
    text = required_text(name, "baseline")
    if not text.isprintable() or len(text) > 200:
        raise InvalidArgumentError(
            f"baseline must be a name of at most 200 printable characters; got {short(text)}."
        )
    return text


def compare(
    evaluation: Evaluation, relevant: Sequence[RelevantSet], baseline: Baseline, random_state: int
) -> Evaluation:
    """Compare an evaluation with a baseline.

    Both are measured by the answers that are known now. Judged records that no longer exist are removed
    from the baseline's lists, so that their loss does not count against the current results.

    Args:
        evaluation: The current evaluation.
        relevant: The answers to each of its queries.
        baseline: The earlier evaluation.
        random_state: The seed of the test.

    Returns:
        The evaluation with `compared`, which is None if no query is in both.

    Raises:
        InvalidArgumentError: The baseline's lists are shorter than k.
    """
    k = evaluation.k
    named = f"The baseline {baseline.name!r}" if baseline.name else "The baseline"
    if baseline.state.k < k:
        raise InvalidArgumentError(
            f"{named} has the first {baseline.state.k:,} records of each query, and k is {k:,}. Use "
            f"k={baseline.state.k}, pass another baseline, or pass replace=True."
        )
    left_out: Counter[str] = Counter()
    scores = [
        replace(scored, before=_before(scored, answers, baseline, k, left_out))
        for scored, answers in zip(evaluation.scores, relevant, strict=True)
    ]
    both = [scored for scored in scores if scored.before is not None]
    if not both:
        why = f"{named} of {baseline.state.at} has none of these queries"
        return replace(evaluation, note=f"not compared: {why}; give this set a name of its own")
    metrics = {
        metric: paired(
            np.array([scored.before[metric] for scored in both if scored.before is not None]),
            np.array([scored.metrics[metric] for scored in both]),
            random_state=random_state,
        )
        for metric in both[0].metrics
    }
    changes = [scored.change or 0.0 for scored in both]
    compared = Compared(
        name=baseline.name,
        before=baseline.state,
        metrics=metrics,
        changes=evaluation.state.since(baseline.state),
        better=sum(change > 0 for change in changes),
        worse=sum(change < 0 for change in changes),
        left_out=dict(left_out),
    )
    return replace(evaluation, scores=tuple(scores), compared=compared)


def _before(
    scored: Scored, relevant: RelevantSet, baseline: Baseline, k: int, left_out: Counter[str]
) -> dict[str, float] | None:
    if scored.key not in baseline.lists:
        left_out[_NEW] += 1
        return None
    text, ids = baseline.lists[scored.key]
    if text != scored.text:
        left_out[_OTHER] += 1
        return None
    return of_list([id for id in ids if id not in relevant.gone], relevant.grades, k)


def _state(values: Any) -> State:
    where, transform = values["where"], values["transform"]
    for name in ("records", "version", "k"):
        if type(values[name]) is not int or values[name] < 0:
            raise ValueError(f"{name} is {short(values[name])}")
    if not isinstance(where, Mapping | None) or not isinstance(transform, str | None):
        raise TypeError("the filter or the transform has the wrong type")
    return State(
        at=check_time(values["at"]),
        records=values["records"],
        version=values["version"],
        model=required_text(values["model"], "model"),
        transform=transform,
        k=values["k"],
        where=where,
    )


def _list(text: Any, ids: Any) -> tuple[str | None, tuple[str, ...]]:
    if not isinstance(text, str | None) or not isinstance(ids, list):
        raise TypeError("a list of results is malformed")
    if not all(isinstance(id, str) for id in ids):
        raise TypeError("an id is not a text")
    return text, tuple(ids)
