"""Labels as they are given: of records, of examples, as names with descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.errors import InvalidArgumentError, near, short
from chromalab.snapshot import Snapshot

__all__ = [
    "EncodedLabels",
    "user_labels",
    "check_choices",
    "check_known",
    "encode_labels",
    "named",
    "pairs",
    "predicted_key",
    "read_labels",
]

Label = str | int | float | bool

_MOST = 5_000


@dataclass(frozen=True, eq=False)
class EncodedLabels:
    """Labels, numbered.

    Attributes:
        classes: In the order in which they first stand.
        rows: (t,) int64, which of the values are labels.
        truth: (t, c), the classes of each.
        multilabel: Whether a value may have multilabel: some value is a list.
    """

    classes: tuple[Label, ...]
    rows: NDArray[np.int64]
    truth: NDArray[np.bool_]
    multilabel: bool


def predicted_key(key: str) -> str:
    """Name the metadata key that says which value under `key` is a prediction."""
    return f"{key}_predicted"


def user_labels(snapshot: Snapshot, key: str) -> list[Any]:
    """Return the labels that people gave: None where there is none, or what `into` wrote stands there still.

    A prediction is written twice, under `key` and `key_predicted`, with `key_confidence` beside it. Who
    corrects one changes the first, and so makes it a label of their own. All three are asked for, as
    `key_predicted` is also what somebody may call other predictions, which say nothing of the labels.
    """
    names = (key, predicted_key(key), f"{key}_confidence")
    return [
        None if prediction is not None and sure is not None and _same(value, prediction) else value
        for value, prediction, sure in zip(*map(snapshot.column, names), strict=True)
    ]


def encode_labels(values: Sequence[Any], classes: Iterable[Label] = ()) -> EncodedLabels:
    """Number labels; 1, 1.0 and True are three of them, None and NaN are none.

    Args:
        values: One a record: a label, or a list of labels.
        classes: Those that come first, whether they stand anywhere or not.

    Raises:
        InvalidArgumentError: a label is no text, number or boolean.

    Example:
        >>> given = encode_labels(["tea", None, "chalk", "tea"])
        >>> given.classes, given.rows.tolist()
        (('tea', 'chalk'), [0, 2, 3])
    """
    places: dict[tuple[type, Label], int] = {}
    for label in classes:
        places.setdefault((type(label), label), len(places))
    rows, codes, multilabel = [], [], False
    for row, value in enumerate(values):
        is_list = isinstance(value, list | tuple | set | np.ndarray)
        plain = [_plain(part) for part in (value if is_list else [value])]
        parts = [part for part in plain if part is not None]
        if not parts:
            continue
        multilabel |= is_list
        rows.append(row)
        codes.append([places.setdefault((type(part), part), len(places)) for part in parts])
    if len(places) > _MOST:
        raise InvalidArgumentError(
            f"{len(places):,} different labels; at most {_MOST:,} can be told apart. Is it a key of labels?"
        )
    truth = np.zeros((len(rows), len(places)), dtype=bool)
    for at, found in enumerate(codes):
        truth[at, found] = True
    return EncodedLabels(
        tuple(label for _, label in places), np.array(rows, dtype=np.int64), truth, multilabel
    )


def pairs(examples: Any) -> list[tuple[str, Any]]:
    """Read examples: a dict of texts by label, or pairs of text and label.

    Raises:
        InvalidArgumentError: they are neither.

    Example:
        >>> pairs({"refund": ["I want my money back"], "greeting": "hello"})
        [('I want my money back', 'refund'), ('hello', 'greeting')]
    """
    if isinstance(examples, Mapping):
        found = [
            (text, label)
            for label, texts in examples.items()
            for text in (texts if _is_listed(texts) else [texts])
        ]
    else:
        try:
            found = [(text, label) for text, label in examples]
        except (TypeError, ValueError) as error:
            raise _no_examples(examples) from error
    if not found or not all(isinstance(text, str) and text.strip() for text, _ in found):
        raise _no_examples(examples)
    return found


def check_choices(choices: Any) -> list[Label]:
    """Check what labels there may be.

    Raises:
        InvalidArgumentError: they are no labels.

    Example:
        >>> check_choices(("yes", "no"))
        ['yes', 'no']
    """
    found = [_plain(label) for label in choices] if _is_listed(choices) else []
    known = [label for label in found if label is not None]
    if not known or len(known) < len(found):
        raise InvalidArgumentError(f'choices are labels: ["yes", "no"]; got {short(choices)}.')
    return known


def read_labels(field: Any, count: int) -> list[Any]:
    """Check labels that are given for records: one, or None, for each.

    Raises:
        InvalidArgumentError: they are no list, or not as many as there are records.
    """
    if not _is_listed(field):
        raise InvalidArgumentError(
            "field is the metadata key of the labels, or a label or None for each record; "
            f"found {short(field)}."
        )
    values = list(field)
    if len(values) != count:
        raise InvalidArgumentError(f"{count:,} records and {len(values):,} labels.")
    return values


def named(labels: Any) -> dict[str, str]:
    """Read names of labels: the text that stands for each, by name.

    Raises:
        InvalidArgumentError: they are no texts.

    Example:
        >>> named(["card_lost"]), named({"refund": "wants money back"})
        ({'card_lost': 'card lost'}, {'refund': 'refund: wants money back'})
    """
    given = labels if isinstance(labels, Mapping) else {}
    try:
        listed = [] if isinstance(labels, str) else list(labels)
    except TypeError:
        listed = []
    if not listed or not all(isinstance(name, str) and name.strip() for name in listed):
        raise InvalidArgumentError(
            'labels are names, such as ["refund", "card lost"], or a dict of descriptions by name; '
            f"found {short(labels)}."
        )
    found = {}
    for name in listed:
        said, readable = given.get(name), name.replace("_", " ").strip()
        if said is not None and not isinstance(said, str):
            raise InvalidArgumentError(f"A description is a text; got {short(said)}.")
        # str(): a text of numpy is another type, and so another label.
        found[str(name)] = f"{readable}: {said.strip()}" if said and said.strip() else readable
    return found


def check_known(found: Iterable[Any], names: Iterable[str]) -> None:
    """Raise InvalidArgumentError where an example has a label that is none of the names."""
    known = list(names)
    for label in found:
        if label not in known:
            raise InvalidArgumentError(
                f"An example has the label {short(label)}. {near(str(label), known, what='Labels')}"
            )


def _plain(value: Any) -> Label | None:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and value != value):
        return None
    if not isinstance(value, str | int | float | bool):
        raise InvalidArgumentError(
            f"A label is a text, a number or a boolean; got {short(value)}."
        )
    return value


def _is_listed(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _no_examples(examples: Any) -> InvalidArgumentError:
    return InvalidArgumentError(
        'examples are texts by label, {"refund": ["I want my money back"]}, or pairs of text and label; '
        f"found {short(examples)}."
    )
