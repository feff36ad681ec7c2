"""`ActingWidget`: a widget with a bar of what can be done with the selected records."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from chromalab.analytics.contrast import Feature, Shift
from chromalab.errors import ChromalabError, InvalidArgumentError
from chromalab.export import csv_bytes
from chromalab.results.tables import count as counted
from chromalab.selection import LabelConflictError
from chromalab_widgets.core.cells import kind_of, shown, value_of
from chromalab_widgets.core.fields import flag, text, whole
from chromalab_widgets.core.records import query_rows
from chromalab_widgets.core.selection import SelectingWidget
from chromalab_widgets.core.text import cut
from chromalab_widgets.core.widget import Reply, Verb

__all__ = ["SELECTION_VERBS", "ActingWidget"]

_MOST = 2**53
_KEYS_READ = 1000  # records whose fields are suggested; any other can be typed
_SUGGESTED = 200
_SHOWN = 60
_FOUND = 20
_DOWNLOAD = 50_000_000  # bytes, which the connection to the browser carries in one message

SELECTION_VERBS: Mapping[str, Verb] = {
    "selection.fields": Verb("_fields_to_label", quiet=True),
    "selection.values": Verb("_values_to_label", quiet=True, field=text(1_000)),
    "selection.label": Verb(
        "_label_selected",
        called={"field": "The field to write to", "value": "The label"},
        field=text(1_000), value=text(), overwrite=flag(), count=whole(0, _MOST),
    ),
    "selection.contrast": Verb("_contrast_selected"),
    "selection.query": Verb(
        "_query_selected", called={"text": "The text to search for"}, text=text()
    ),
    "selection.export": Verb(
        "_export_selected", called={"path": "The file"}, path=text(4_096), overwrite=flag()
    ),
    "selection.download": Verb("_download_selected"),
    "selection.delete": Verb("_delete_selected", count=whole(0, _MOST)),
}  # fmt: skip
"""The requests of the bar; each one is the call of `collection.selection` of that name."""


class ActingWidget(SelectingWidget):
    """A widget over whose selection a bar labels, contrasts, searches, exports and deletes.

    A subclass includes `SELECTION_VERBS` in its `verbs`, and draws the records again in
    `_records_written`.
    """

    can_act = traitlets.Bool(help="Whether the selected records can be written to.").tag(sync=True)

    def __init__(self, collection: Any, **traits: Any) -> None:
        super().__init__(collection, can_act=hasattr(collection, "update"), **traits)

    def _records_written(self) -> None:
        """Draw the records again, as the bar has just written to them."""

    def _fields_to_label(self) -> Reply:
        """Return the metadata fields of the first records, the most frequent first."""
        found = self.selection.collection.get(limit=_KEYS_READ, include=["metadatas"])["metadatas"]
        keys = Counter(key for metadata in found for key in metadata or ())
        return Reply({"fields": [key for key, _ in keys.most_common(_SUGGESTED)]})

    def _values_to_label(self, field: str) -> Reply:
        """Return the values of a field, the most frequent first, as they are typed."""
        values = [value for value in self._values_of(field) if isinstance(value, str | int | float)]
        return Reply({"values": [cut(shown(value), _SHOWN) for value in values[:_SUGGESTED]]})

    def _values_of(self, field: str) -> Sequence[Any]:
        collection = self.selection.collection
        if not hasattr(collection, "distinct"):
            return ()
        try:
            found: Sequence[Any] = collection.distinct(field).values
        except ChromalabError:  # a field that no record has yet
            return ()
        return found

    def _check_count(self, count: int) -> None:
        if count != len(self.selection):
            raise InvalidArgumentError(
                f"The selection has changed: {counted(len(self.selection), 'record')} "
                f"{'is' if len(self.selection) == 1 else 'are'} selected now. Try again."
            )

    def _label_selected(self, field: str, value: str, overwrite: bool, count: int) -> Reply:
        self._check_count(count)
        kind = kind_of(map(type, self._values_of(field)))
        label = value_of(value, None, kind, field) if kind in ("number", "boolean") else value
        try:
            changed = self.selection.label(field, label, overwrite=overwrite)
        except LabelConflictError as conflict:
            return Reply({"conflicts": conflict.records})
        self._records_written()
        return Reply({"changed": changed})

    def _contrast_selected(self) -> Reply:
        found = self.selection.contrast()
        return Reply(
            {
                "selected": found.selected,
                "others": found.others,
                "features": [*map(_feature, (*found.words, *found.values))],
                "shifts": [*map(_shift, found.shifts)],
            }
        )

    def _query_selected(self, text: str) -> Reply:
        found = self.selection.query(
            text, n_results=_FOUND, include=["documents", "metadatas", "distances"]
        )
        return Reply({"rows": query_rows(found)})

    def _export_selected(self, path: str, overwrite: bool) -> Reply:
        written = self.selection.export(path.strip(), overwrite=overwrite)
        return Reply({"path": str(written.path), "records": written.records})

    def _download_selected(self) -> Reply:
        content = csv_bytes(self.selection.df())
        if len(content) > _DOWNLOAD:
            raise InvalidArgumentError(
                f"A download must have at most {_DOWNLOAD / 1e6:,.0f} MB; got "
                f"{len(content) / 1e6:,.0f} MB. Write a file instead."
            )
        return Reply({}, [content])

    def _delete_selected(self, count: int) -> Reply:
        self._check_count(count)
        deleted = self.selection.delete()["deleted"]
        self._records_written()
        return Reply({"deleted": deleted})


def _feature(feature: Feature) -> dict[str, Any]:
    return {
        "field": cut(feature.field, _SHOWN),
        "value": cut(
            feature.value if isinstance(feature.value, str) else shown(feature.value), _SHOWN
        ),
        "selected": feature.selected,
        "others": feature.others,
        "lift": None if math.isinf(feature.lift) else feature.lift,
    }


def _shift(shift: Shift) -> dict[str, Any]:
    return {
        "field": cut(shift.field, _SHOWN),
        "selected": shift.selected,
        "others": shift.others,
        "higher": shift.higher,
    }
