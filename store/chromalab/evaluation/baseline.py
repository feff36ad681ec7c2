"""Baselines: the lists that an evaluation saw, kept with a collection, and later ones beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from chromalab.engine import Attachment
from chromalab.errors import InternalError, InvalidArgumentError, short
from chromalab.feedback.arguments import check_time, some_text
from chromalab.feedback.evaluation import Compared, Evaluation, Scored, State
from chromalab.feedback.metrics import of_list, paired

__all__ = ["KIND", "Baseline", "Known", "check_name", "compare"]

KIND = "evaluation"
"""What baselines are attached to a collection as."""

_NEW = "queries that the baseline has not"
_OTHER = "queries that had another text under the same id"


@dataclass(frozen=True)
class Known:
    """What is known of the answers to a query.

    Attributes:
        grades: Of each record that is an answer and is there, above 0.
        gone: Records that were judged, and are not there.
    """

    grades: Mapping[str, float]
    gone: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Baseline:
    """An evaluation as it is kept: its lists, so that they are measured by what is known later.

    Attributes:
        name: Of the set of queries; "" for one that was given.
        state: What was evaluated.
        lists: Of each query its text, None for a vector, and the first k records.
        number: Of the attachment.
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
        """Give it as it is kept."""
        lists = [[key, text, list(ids)] for key, (text, ids) in self.lists.items()]
        return Attachment(KIND, {"state": asdict(self.state), "lists": lists}, self.name)

    @classmethod
    def read(cls, attachment: Attachment) -> Baseline:
        """Read what is kept; nothing of it is believed.

        Raises:
            InternalError: it is damaged, or somebody else wrote it.
        """
        try:
            state = _state(attachment.body["state"])
            lists = {key: _list(text, ids) for key, text, ids in attachment.body["lists"]}
            if not all(isinstance(key, str) for key in lists):
                raise TypeError("a query has no name")
        except (KeyError, TypeError, ValueError) as error:
            raise InternalError(
                f"The baseline {short(attachment.name)} is damaged: {error}. evaluate(..., replace=True) "
                "keeps another in its place."
            ) from error
        return cls(attachment.name or "", state, lists, attachment.number)


def check_name(name: Any) -> str:
    """Check the name of a baseline: up to 200 printable characters."""
    text = some_text(name, "baseline")
    if not text.isprintable() or len(text) > 200:
        raise InvalidArgumentError(
            f"{short(text)} is no name for a baseline: up to 200 printable characters."
        )
    return text


def compare(
    evaluation: Evaluation, known: Sequence[Known], baseline: Baseline, random_state: int
) -> Evaluation:
    """Put an evaluation beside a baseline.

    The same answers measure both: those of now. Of the baseline's lists, judged records that are gone
    are taken out, so that nobody is to blame for not finding them any more.

    Args:
        evaluation: The one of now.
        known: The answers to each of its queries.
        baseline: The earlier one.
        random_state: Of the test.

    Returns:
        The evaluation, with `compared`; None there where no query is in both.

    Raises:
        InvalidArgumentError: the baseline's lists are shorter than k.
    """
    k = evaluation.k
    named = f"The baseline {baseline.name!r}" if baseline.name else "The baseline"
    if baseline.state.k < k:
        raise InvalidArgumentError(
            f"{named} has the first {baseline.state.k:,} records of each query, and k is {k:,}. Ask with "
            f"k={baseline.state.k}, give another baseline, or say replace=True."
        )
    left_out: Counter[str] = Counter()
    scores = [
        replace(scored, before=_before(scored, answers, baseline, k, left_out))
        for scored, answers in zip(evaluation.scores, known, strict=True)
    ]
    both = [scored for scored in scores if scored.before is not None]
    if not both:
        why = f"{named} of {baseline.state.at} has none of these queries"
        return replace(evaluation, note=f"not compared: {why}; give the set a name of its own")
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
    scored: Scored, known: Known, baseline: Baseline, k: int, left_out: Counter[str]
) -> dict[str, float] | None:
    if scored.key not in baseline.lists:
        left_out[_NEW] += 1
        return None
    text, ids = baseline.lists[scored.key]
    if text != scored.text:
        left_out[_OTHER] += 1
        return None
    return of_list([id for id in ids if id not in known.gone], known.grades, k)


def _state(values: Any) -> State:
    where, transform = values["where"], values["transform"]
    for name in ("records", "version", "k"):
        if type(values[name]) is not int or values[name] < 0:
            raise ValueError(f"{name} is {short(values[name])}")
    if not isinstance(where, Mapping | None) or not isinstance(transform, str | None):
        raise TypeError("its filter or transform makes no sense")
    return State(
        at=check_time(values["at"]),
        records=values["records"],
        version=values["version"],
        model=some_text(values["model"], "model"),
        transform=transform,
        k=values["k"],
        where=where,
    )


def _list(text: Any, ids: Any) -> tuple[str | None, tuple[str, ...]]:
    if not isinstance(text, str | None) or not isinstance(ids, list):
        raise TypeError("a list makes no sense")
    if not all(isinstance(id, str) for id in ids):
        raise TypeError("an id is no text")
    return text, tuple(ids)
