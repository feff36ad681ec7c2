"""`Search`: what to look for, how to rank it, and what to return, as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chromalab.arguments.values import check_n_results, is_integer
from chromalab.errors import InvalidArgumentError, InvalidArgumentTypeError, short
from chromalab.search.forms import listed
from chromalab.search.keys import Condition, Key
from chromalab.search.ranks import Keyword, Knn, Rank, Rrf, read_rank
from chromalab.search.regions import Region, RegionPart, read_region
from chromalab.search.shape import GroupBy, Limit, MinK, Select
from chromalab.search.steps import MaxDistance, Mmr, Rerank
from chromalab.search.steps.step import Step, read_step
from chromalab.types import Where

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Search", "read_search"]

_FETCHED, _FETCHED_PER_RESULT = 50, 5
"""Records that the sources of `Search.of` find, of which steps choose the results."""
_FORMS = ("filter", "where", "rank", "group_by", "limit", "select", "steps", "within")


class Search:
    """A search: conditions, a rank, groups, further steps, a limit, and the parts to return.

    Every method returns a new search. The order of the calls does not matter, except among steps, which run
    one after another on what the rank and the groups have left, before the limit.

    Args:
        where: A condition such as `K("year") >= 2020`, or Chroma's dict.
        rank: What scores records, such as `Knn("tea")`; without one, records come in insertion order.
        group_by: Groups, of which some records are kept.
        limit: The number of results, a `Limit`, or its dict; all by default.
        select: The parts to return: a `Select`, its dict, or keys. Only ids by default, as in Chroma.
        steps: What follows the rank, such as `Mmr()`; see `then`.
        within: Regions of the embedding space, such as `Ball("id", 0.5)`, or their names; see `within`.

    Raises:
        InvalidArgumentError: A part has another form.

    Example:
        >>> search = Search().where(Key("year") >= 2020).limit(5).select(Key.DOCUMENT)
        >>> search.to_dict()["filter"], search.to_dict()["limit"]
        ({'year': {'$gte': 2020}}, {'offset': 0, 'limit': 5})
    """

    def __init__(
        self,
        where: Condition | Mapping[str, Any] | None = None,
        rank: Rank | Mapping[str, Any] | None = None,
        group_by: GroupBy | Mapping[str, Any] | None = None,
        limit: Limit | Mapping[str, Any] | int | None = None,
        select: Select | Mapping[str, Any] | Sequence[Key | str] | set[Key | str] | None = None,
        steps: Sequence[Step | Mapping[str, Any]] = (),
        within: Sequence[Region | RegionPart | Mapping[str, Any] | str] = (),
    ) -> None:
        # The names of Chroma's class, whose attributes programs read; the methods have the others.
        self._where = _read(where, Condition, "where")
        self._rank = None if rank is None else read_rank(rank)
        self._group_by = _read(group_by, GroupBy, "group_by") or GroupBy()
        if is_integer(limit):
            limit = Limit(limit=int(limit))  # type: ignore[arg-type]
        self._limit = _read(limit, Limit, "limit") or Limit()
        if isinstance(select, list | tuple | set | frozenset):
            select = Select(set(select))
        self._select = _read(select, Select, "select") or Select()
        self._steps = tuple(map(read_step, listed(steps, "steps")))
        self._within = tuple(map(read_region, listed(within, "within")))

    @classmethod
    def of(
        cls,
        text: str,
        n_results: int = 10,
        where: Where | None = None,
        *,
        hybrid: bool = False,
        mmr: float | None = None,
        max_distance: float | None = None,
        rerank: Callable[[str, list[str]], Any] | None = None,
        group_by: str | None = None,
    ) -> Self:
        """Return a search for a text by the usual parts, which selects documents, metadata and scores.

        Args:
            text: The text to search for.
            n_results: The number of results.
            where: A metadata filter, e.g. `{"year": {"$gte": 2020}}`.
            hybrid: Search for the words of the text too, and fuse both by rank.
            mmr: Make the results diverse: from 0 (only near to the text) to 1 (only unlike each other).
            max_distance: Largest distance to return. Fewer than n_results may be left, or none.
            rerank: A function of the text and a list of documents that returns one number for each,
                higher for better ones.
            group_by: A metadata key; only the best record of each of its values is returned.

        Example:
            >>> Search.of("tea", 5, hybrid=True)
            Search(rank=Rrf(Knn('tea' in #embedding), Keyword('tea' in #document), k=60), limit=5, ...)
        """
        n_results = check_n_results(n_results)
        fetched = max(_FETCHED, _FETCHED_PER_RESULT * n_results)
        rank: Rank = Knn(text, limit=fetched)
        if hybrid:
            rank = Rrf.of(Knn(text), Keyword(text), limit=fetched)
        chosen = [
            None if max_distance is None else MaxDistance(max_distance),
            None if mmr is None else Mmr(mmr),
            None if rerank is None else Rerank(rerank),  # the last, as Mmr sets an order of its own
        ]
        groups = None if group_by is None else GroupBy(group_by, MinK(Key.SCORE, k=1))
        select = (Key.DOCUMENT, Key.METADATA, Key.SCORE)
        steps = [step for step in chosen if step is not None]
        return cls(where, rank, groups, Limit(limit=n_results), select, steps)

    def where(self, where: Condition | Mapping[str, Any] | None) -> Self:
        """Return a copy with other conditions: an expression of `K`, Chroma's dict, or None."""
        return self._with(_where=_read(where, Condition, "where"))

    def within(self, *regions: Region | RegionPart | Mapping[str, Any] | str) -> Self:
        """Return a copy for records that are in all of these regions as well.

        A string is the name of a region of `collection.regions`.
        """
        return self._with(_within=(*self._within, *map(read_region, regions)))

    def rank(self, rank_expr: Rank | Mapping[str, Any] | None) -> Self:
        """Return a copy with another rank: a `Knn`, arithmetic on ranks, Chroma's dict, or None."""
        return self._with(_rank=None if rank_expr is None else read_rank(rank_expr))

    def group_by(self, group_by: GroupBy | Mapping[str, Any] | None) -> Self:
        """Return a copy with other groups."""
        return self._with(_group_by=_read(group_by, GroupBy, "group_by") or GroupBy())

    def then(self, *steps: Step | Mapping[str, Any]) -> Self:
        """Return a copy with further steps, which run in this order."""
        return self._with(_steps=(*self._steps, *map(read_step, steps)))

    def limit(self, limit: int, offset: int = 0) -> Self:
        """Return a copy that returns at most `limit` records, after the first `offset`."""
        return self._with(_limit=Limit(offset, limit))

    def select(self, *keys: Key | str) -> Self:
        """Return a copy that returns these parts: K.DOCUMENT, ..., or metadata keys."""
        return self._with(_select=Select(dict.fromkeys(keys)))

    def select_all(self) -> Self:
        """Return a copy that returns documents, embeddings, metadata and scores."""
        return self.select(Key.DOCUMENT, Key.EMBEDDING, Key.METADATA, Key.SCORE)

    def to_dict(self) -> dict[str, Any]:
        """Return Chroma's dict; regions and steps, which Chroma lacks, are under "within" and "steps".

        Raises:
            InvalidArgumentError: A step has a Python function, which JSON cannot represent.
        """
        more = {
            "within": [r if isinstance(r, str) else r.to_dict() for r in self._within],
            "steps": [step.to_dict() for step in self._steps],
        }
        return {
            "filter": None if self._where is None else self._where.to_dict(),
            "rank": None if self._rank is None else self._rank.to_dict(),
            "group_by": self._group_by.to_dict(),
            "limit": self._limit.to_dict(),
            "select": self._select.to_dict(),
            **{name: parts for name, parts in more.items() if parts},
        }

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read a dict that `to_dict` returned.

        Raises:
            InvalidArgumentError: The dict has another form.

        Example:
            >>> Search.from_dict({"rank": {"$knn": {"query": "tea"}}, "limit": 3})
            Search(rank=Knn('tea' in #embedding), limit=3)
        """
        if not isinstance(data, Mapping):
            raise InvalidArgumentTypeError(f"Expected dict for a search; got {short(data)}.")
        unknown = [key for key in data if key not in _FORMS]
        if unknown:
            raise InvalidArgumentError(
                f"Unexpected keys in the dict of a search: {short(unknown)}. Keys: {', '.join(_FORMS)}."
            )
        if data.get("filter") is not None and data.get("where") is not None:
            raise InvalidArgumentError("Pass either filter or where in the dict of a search.")
        where = data.get("filter") if data.get("where") is None else data.get("where")
        return cls(
            None if where == {} else where,
            data.get("rank"),
            data.get("group_by"),
            data.get("limit"),
            data.get("select"),
            () if data.get("steps") is None else data["steps"],
            () if data.get("within") is None else data["within"],
        )

    def __repr__(self) -> str:
        parts = {
            "where": self._where,
            "within": " and ".join(map(str, self._within)) or None,
            "rank": self._rank,
            "group_by": self._group_by if self._group_by.aggregate else None,
            "steps": list(self._steps) or None,
            "limit": self._limit.limit,
            "offset": self._limit.offset or None,
            "select": self._select.names or None,
        }
        shown = {
            name: part if name in ("where", "within", "rank") else short(part)
            for name, part in parts.items()
            if part is not None
        }
        return f"Search({', '.join(f'{name}={part}' for name, part in shown.items())})"

    def _with(self, **changes: Any) -> Self:
        changed = object.__new__(type(self))  # as `copy.copy`, in a third of the time
        vars(changed).update(vars(self), **changes)
        return changed


def read_search(search: Any) -> Search:
    """Read a search given as ours, as one of chromadb, or as a dict."""
    if isinstance(search, Search):
        return search
    if isinstance(search, Mapping):
        return Search.from_dict(search)
    if hasattr(search, "to_dict") and hasattr(search, "rank"):
        return Search.from_dict(search.to_dict())
    raise InvalidArgumentTypeError(
        f"searches must be a Search, its dict, or a list of these; got {short(search)}."
    )


def _read(value: Any, kind: Any, what: str) -> Any:
    """Read a part given as ours, as the same of chromadb, or as a dict."""
    if value is None or isinstance(value, kind):
        return value
    if not isinstance(value, Mapping) and hasattr(value, "to_dict"):
        value = value.to_dict()
    if not isinstance(value, Mapping):
        raise InvalidArgumentTypeError(
            f"{what} must be a {kind.__name__} or a dict; got {short(value)}."
        )
    return kind.from_dict(value)
