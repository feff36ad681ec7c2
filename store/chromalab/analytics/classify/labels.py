"""Labels as they are given: of records, of example texts, or as names with descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chromalab.analytics.label_values import (
    Label,
    is_list,
    is_listed,
    plain_label,
    plain_labels,
)
from chromalab.errors import InvalidArgumentError, near, short
from chromalab.snapshot import Snapshot

__all__ = [
    "EncodedLabels",
    "check_choices",
    "check_known",
    "encode_labels",
    "predicted_key",
    "read_examples",
    "read_names",
    "user_labels",
]

_MAX_CLASSES = 5_000


@dataclass(frozen=True, eq=False)
class EncodedLabels:
    """Labels as numbers.

    Attributes:
        classes: The different labels, in the order in which they first occur.
        rows: (t,) int64, the indices of the values that are labels.
        truth: (t, c) bool, the classes of each.
        multilabel: Whether a value may have more than one label, as one of them is a list.
    """

    classes: tuple[Label, ...]
    rows: NDArray[np.int64]
    truth: NDArray[np.bool_]
    multilabel: bool


def predicted_key(field: str) -> str:
    """Name the metadata field that marks which values of `field` are predictions."""
    return f"{field}_predicted"


def user_labels(snapshot: Snapshot, field: str) -> list[Any]:
    """Return the labels that users gave; None for a record without a label, or with a prediction.

    `into` writes a prediction twice, under `field` and `field_predicted`, with `field_confidence` beside
    it. A user who corrects a prediction changes the first, which makes it a label of their own. All three
    fields are compared, because `field_predicted` may also be a field of the user's own, which says
    nothing about the labels.
    """
    names = (field, predicted_key(field), f"{field}_confidence")
    return [
        None
        if not plain_labels(value)
        or (prediction is not None and confidence is not None and _same(value, prediction))
        else value
        for value, prediction, confidence in zip(*map(snapshot.column, names), strict=True)
    ]


def encode_labels(values: Sequence[Any], classes: Iterable[Label] = ()) -> EncodedLabels:
    """Encode labels as numbers. 1, 1.0 and True are three labels; a missing or blank value is none.

    Args:
        values: One label, or one list of labels, per record.
        classes: Labels that come first, whether they occur or not.

    Raises:
        InvalidArgumentError: A label is not a string, a number or a boolean.

    Example:
        >>> labels = encode_labels(["tea", None, "chalk", "tea"])
        >>> labels.classes, labels.rows.tolist()
        (('tea', 'chalk'), [0, 2, 3])
    """
    codes: dict[tuple[type, Label], int] = {}
    for label in classes:
        codes.setdefault((type(label), label), len(codes))
    rows, encoded, multilabel = [], [], False
    for row, value in enumerate(values):
        parts = plain_labels(value)
        if not parts:
            continue
        multilabel |= is_list(value)
        rows.append(row)
        encoded.append([codes.setdefault((type(part), part), len(codes)) for part in parts])
    if len(codes) > _MAX_CLASSES:
        raise InvalidArgumentError(
            f"There must be at most {_MAX_CLASSES:,} different labels; got {len(codes):,}. Check that "
            "the field has labels."
        )
    truth = np.zeros((len(rows), len(codes)), dtype=bool)
    for at, found in enumerate(encoded):
        truth[at, found] = True
    return EncodedLabels(
        tuple(label for _, label in codes), np.array(rows, dtype=np.int64), truth, multilabel
    )


def read_examples(examples: Any) -> list[tuple[str, Any]]:
    """Read examples: a dict of texts by label, or pairs of text and label.

    Raises:
        InvalidArgumentError: They are neither.

    Example:
        >>> read_examples({"refund": ["I want my money back"], "greeting": "hello"})
        [('I want my money back', 'refund'), ('hello', 'greeting')]
    """
    if isinstance(examples, Mapping):
        found = [
            (text, label)
            for label, texts in examples.items()
            for text in (texts if is_listed(texts) else [texts])
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
    """Check the labels that a user may choose from.

    Raises:
        InvalidArgumentError: They are not labels.

    Example:
        >>> check_choices(("yes", "no"))
        ['yes', 'no']
    """
    labels = [plain_label(label) for label in choices] if is_listed(choices) else []
    known = [label for label in labels if label is not None]
    if not known or len(known) < len(labels):
        raise InvalidArgumentError(
            f'choices must be a list of labels, such as ["yes", "no"]; got {short(choices)}.'
        )
    return known


def read_names(labels: Any) -> dict[str, str]:
    """Read the names of labels, and return by name the text that is embedded for each.

    Raises:
        InvalidArgumentError: They are not strings.

    Example:
        >>> read_names(["card_lost"]), read_names({"refund": "wants money back"})
        ({'card_lost': 'card lost'}, {'refund': 'refund: wants money back'})
    """
    descriptions = labels if isinstance(labels, Mapping) else {}
    try:
        names = [] if isinstance(labels, str) else list(labels)
    except TypeError:
        names = []
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise InvalidArgumentError(
            'labels must be names, such as ["refund", "card lost"], or a dict of descriptions by name; '
            f"got {short(labels)}."
        )
    texts = {}
    for name in names:
        description, readable = descriptions.get(name), name.replace("_", " ").strip()
        if description is not None and not isinstance(description, str):
            raise InvalidArgumentError(
                f"The description of a label must be a string; got {short(description)}."
            )
        # str() because a numpy string has another type, and would therefore be another label.
        explained = f"{readable}: {description.strip()}" if description else readable
        texts[str(name)] = explained if description and description.strip() else readable
    return texts


def check_known(labels: Iterable[Any], names: Iterable[str]) -> None:
    """Raise InvalidArgumentError if an example has a label that is not one of the names."""
    known = list(names)
    for label in labels:
        if label not in known:
            raise InvalidArgumentError(
                f"No label {short(label)}, which an example has. "
                f"{near(str(label), known, what='Labels')}"
            )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


def _no_examples(examples: Any) -> InvalidArgumentError:
    return InvalidArgumentError(
        'examples must be texts by label, such as {"refund": ["I want my money back"]}, or pairs of text '
        f"and label; got {short(examples)}."
    )
