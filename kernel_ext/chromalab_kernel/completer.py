"""Completion of `%chroma` lines: verbs, collections, flags, their values, columns, keys and `:variables`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from IPython.core import completer

from chromalab import Collection, SearchResult
from chromalab.arguments.quotes import OPENING, quote
from chromalab.commands.argument import Argument
from chromalab.commands.line import Word, split_typed
from chromalab.commands.session import Session
from chromalab.commands.verb import Verb
from chromalab.commands.verbs import VERBS
from chromalab.errors import ChromalabError

__all__ = ["make_matcher"]

_NAME = r"(?:\s*[^\W\d]\w*\s*=?\s*<<)?"
_LINE = re.compile(rf"(?:^|=)\s*%{{1,2}}chroma\s{_NAME}(.*)$", re.DOTALL)
_ALONE = re.compile(rf"%%chroma\s*{_NAME}\s*")
_FLAG = re.compile(r"--?[^\W\d][\w.-]*=")
_PLAIN = re.compile(r"[\w.@/][\w.@/:-]*")
_KEYS = frozenset({"field", "color", "group_by", "into", "order_by", "show", "text"})
"""Options whose value is a metadata key."""
_COLUMNS = frozenset({"text", "id", "meta"})
"""Options of `add`, whose value is a column of its source."""
_LOOKED_AT = 1_000  # records whose keys are offered
_VALUES = 50

# The end of a condition that is being typed: a key, or a value of a key.
_KEY = re.compile(r"(?:^|[(]|\b(?:and|or)\s)\s*(?P<key>`[^`]*|[\w.:-]*)$", re.IGNORECASE)
_VALUE = re.compile(
    r"""(?P<key>`[^`]+`|[^\W\d][\w.:-]*)
        (?:\s*(?:==|!=|>=|<=|[=<>])|\s+(?:not\s+)?contains\b|\s+(?:not\s+)?in\s*[(\[](?:[^)\]]*,)?)
        \s*(?P<value>:\w*|"[^"]*|'[^']*|[\w.+-]*)$""",
    re.IGNORECASE | re.VERBOSE,
)


def make_matcher(session: Session, completer_of_shell: Any) -> Callable[[Any], Any]:
    """Make a matcher for `custom_matchers` of a shell's completer.

    Before IPython 8.6, which Colab is, a matcher receives the word before the cursor, and returns
    words. It does not see the other lines of the cell.
    """
    if hasattr(completer, "context_matcher"):
        return _context_matcher(session)
    return _word_matcher(session, completer_of_shell)


def _context_matcher(session: Session) -> Callable[[Any], dict[str, Any]]:
    @completer.context_matcher(identifier="chroma")  # type: ignore[untyped-decorator]
    def matcher(context: Any) -> dict[str, Any]:
        line = _command(context)
        typed = None if line is None else split_typed(line)
        if typed is None:
            return {"completions": [], "suppress": False}
        texts, fragment = _offered(session, *typed)
        if not texts and fragment:
            texts = [fragment]  # or IPython would offer Python's keywords and its own magics
        return {
            "completions": [
                completer.SimpleCompletion(text, type="chroma") for text in dict.fromkeys(texts)
            ],
            "matched_fragment": fragment,
            "suppress": True,
            "ordered": True,
        }

    return matcher  # type: ignore[no-any-return]


def _word_matcher(session: Session, completer_of_shell: Any) -> Callable[[str], list[str]]:
    def matcher(word: str) -> list[str]:
        found = _LINE.search(completer_of_shell.text_until_cursor)
        typed = None if found is None else split_typed(found[1])
        if typed is None:
            return []
        texts, fragment = _offered(session, *typed)
        before = fragment.removesuffix(word)  # IPython replaces only the word
        return [text.removeprefix(before) for text in texts if text.startswith(before)]

    matcher.matcher_identifier = "chroma"  # type: ignore[attr-defined]
    return matcher


def _command(context: Any) -> str | None:
    """Return the command before the cursor; None on any other line."""
    line = context.line_with_cursor[: context.cursor_position].split("\n")[-1]
    found = _LINE.search(line)
    if found:
        return found[1]
    first, *below = context.full_text.split("\n")[: context.cursor_line + 1]
    if below and _ALONE.fullmatch(first) and not any(map(str.strip, below[:-1])):
        return str(line)  # the verb is on the first line of the cell below %%chroma
    return None


def _offered(session: Session, words: list[Word], typed: str) -> tuple[list[str], str]:
    """Return what can follow on a line, and the end of the line that it replaces."""
    offer = _Offer(session, words, typed)
    try:
        return offer.texts(), offer.fragment
    except ChromalabError:  # the store cannot be read, so it has no names to offer
        return [], offer.fragment


class _Offer:
    """What can follow on a line.

    Attributes:
        fragment: The end of the line, which a completion replaces.
    """

    def __init__(self, session: Session, words: list[Word], typed: str) -> None:
        self._session = session
        self._words = words
        flag = _FLAG.match(typed)
        self._flag = flag[0] if flag else ""
        self.fragment = typed

    def texts(self) -> list[str]:
        """Return the completions of the fragment."""
        typed = self.fragment
        if not self._words:
            return sorted(name for name in VERBS if name.startswith(typed))
        verb = VERBS.get(self._words[0].text)
        if verb is None:
            return []
        given, argument = _state(verb, self._words[1:])
        if self._flag:
            argument = next(
                (a for a in verb.arguments if self._flag[:-1] in (a.name, a.short)), None
            )
            typed = typed[len(self._flag) :]
        elif typed.startswith("-") and not (argument and argument.option == "order_by"):
            names = [a.name for a in verb.arguments if a.is_flag and a.key not in given]
            return [name for name in names if name.startswith(typed)]
        if typed.startswith(":"):
            variables = self._session.variables
            names = [
                f":{name}"
                for name in self._session.variable_names()
                if verb.name != "why" or isinstance(variables.get(name), SearchResult)
            ]
            return [f"{self._flag}{name}" for name in names if name.startswith(typed)]
        if argument is None:
            return []
        if argument.kind == "where":
            return self._condition(given, typed)
        return self._values(verb, argument, given, typed)

    def _values(
        self, verb: Verb, argument: Argument, given: Mapping[str, Word], typed: str
    ) -> list[str]:
        before = ""
        if argument.kind == "words":
            before, comma, typed = typed.rpartition(",")
            before += comma
        elif argument.option == "order_by" and typed.startswith("-"):
            before, typed = "-", typed[1:]
        mark = typed[0] if typed and typed[0] in OPENING else ""
        values: Iterable[str] = argument.values(self._session)
        if verb.name == "add" and argument.option in _COLUMNS:
            values = self._columns(given)
        elif argument.key in _KEYS and not values:
            values = self._keys(given)
        elif verb.name == "why" and argument.key == "id":
            values = self._found(given)
        return [
            self._flag + before + _written(value, mark)
            for value in values
            if value.isprintable() and value.startswith(typed[len(mark) :])
        ]

    def _columns(self, given: Mapping[str, Word]) -> list[str]:
        """List the columns of the table that is added."""
        word = given.get("source")
        if word is None or not word.is_bare or not word.text.startswith(":"):
            return []
        table = self._session.variables.get(word.text[1:])
        if isinstance(table, list):
            rows = [row for row in table[:_LOOKED_AT] if isinstance(row, Mapping)]
            return list(dict.fromkeys(str(key) for row in rows for key in row))
        columns = getattr(table, "columns", None)
        return [] if columns is None or callable(columns) else [str(name) for name in columns]

    def _found(self, given: Mapping[str, Word]) -> list[str]:
        """List the ids of the result of a search."""
        word = given.get("result")
        result = None if word is None else self._session.variables.get(word.text.removeprefix(":"))
        if not isinstance(result, SearchResult):
            return []
        return list(dict.fromkeys(id for ids in result["ids"] for id in ids))

    def _collection(self, given: Mapping[str, Word]) -> Collection | None:
        word = given.get("collection")
        if word is None:
            return None
        if word.is_bare and word.text.startswith(":"):
            found = self._session.variables.get(word.text[1:])
            return found if isinstance(found, Collection) else None
        return self._session.collection(word.text) if self._session.has_store else None

    def _keys(self, given: Mapping[str, Word]) -> list[str]:
        """List the metadata keys of the collection, as far as its first records have them."""
        collection = self._collection(given)
        if collection is None:
            return []
        metadatas = collection.get(limit=_LOOKED_AT, include=["metadatas"])["metadatas"] or []
        return list(dict.fromkeys(key for metadata in metadatas for key in metadata or {}))

    def _condition(self, given: Mapping[str, Word], typed: str) -> list[str]:
        """Return the completions of a condition: keys, and values of the key before an operator."""
        mark = typed[0] if typed and typed[0] in OPENING else ""
        text = typed[len(mark) :]
        value = _VALUE.search(text)
        if value is not None and mark:
            return self._values_of(given, value["key"].strip("`"), value["value"], mark)
        key = _KEY.search(text)
        if key is None:
            return []
        start = key["key"]
        names = [
            name if _PLAIN.fullmatch(name) and not name[0].isdigit() else f"`{name}`"
            for name in self._keys(given)
            if name.isprintable() and "`" not in name and name.startswith(start.strip("`"))
        ]
        if mark and text != start:
            self.fragment = start
            return names
        opening = mark or '"'
        return [f"{self._flag}{opening}{name}" for name in names]

    def _values_of(self, given: Mapping[str, Word], key: str, typed: str, mark: str) -> list[str]:
        self.fragment = typed
        if typed.startswith(":"):
            names = [f":{name}" for name in self._session.variable_names()]
            return [name for name in names if name.startswith(typed)]
        collection = self._collection(given)
        if collection is None:
            return []
        inside = "'" if mark != "'" else '"'
        texts = []
        for value in list(collection.distinct(key).values)[:_VALUES]:
            if isinstance(value, str):
                written = quote(value, inside)
                if mark in ("'", '"'):
                    written = quote(written, mark)[1:-1]
            elif isinstance(value, bool):
                written = str(value).lower()
            elif isinstance(value, int | float):
                written = str(value)
            else:
                continue
            is_wanted = written.startswith(typed) or str(value).startswith(typed.strip("\"'"))
            if is_wanted and written.isprintable():
                texts.append(written)
        return texts


def _written(value: str, mark: str) -> str:
    """Write a value as a word of the line, with the quote that was typed before it."""
    if mark in ("'", '"'):
        return quote(value, mark)
    if mark:
        return f"{mark}{value}{mark.translate({0x201C: 0x201D, 0x2018: 0x2019})}"
    return value if _PLAIN.fullmatch(value) else quote(value)


def _state(verb: Verb, words: list[Word]) -> tuple[dict[str, Word], Argument | None]:
    """Return the arguments that were given, and the argument that comes next."""
    flags = {name: a for a in verb.arguments for name in (a.name, a.short) if a.is_flag and name}
    places = [argument for argument in verb.arguments if not argument.is_flag]
    given: dict[str, Word] = {}
    waiting: Argument | None = None
    for word in words:
        if waiting is not None:
            given[waiting.key] = word
            is_list = waiting.kind == "words" and word.source.endswith(",")
            waiting = waiting if is_list else None
        elif word.is_flag:
            argument = flags.get(word.flag or word.text)
            if argument is not None:
                given[argument.key] = word
                waiting = None if word.flag or argument.kind == "switch" else argument
        else:
            place = next((a for a in places if a.key not in given), None)
            if place is not None:
                given[place.key] = word
    if waiting is not None:
        return given, waiting
    return given, next((a for a in places if a.key not in given or a.many), None)
