"""The arguments that are made from a signature and a docstring."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pytest

import chromalab
from chromalab.commands.command import parse
from chromalab.commands.session import Session
from chromalab.commands.settings import DEFAULTS
from chromalab.commands.signature import options_of, resolve
from chromalab.commands.verb import Verb
from chromalab.errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas

    from chromalab.types import Where


def example(
    self,
    method: Literal["slow", "fast"] = "slow",
    *,
    n: int = 20,
    share: float | None = None,
    either: int | float = 1,
    title: str | None = None,
    names: Sequence[str] = (),
    kinds: Sequence[Literal["a", "b"]] = ("a",),
    column: str | Sequence[Any] = "text",
    labels: Sequence[str] | Mapping[str, str] | None = None,
    exact: bool = False,
    use: bool = True,
    dims: Literal[2, 3] = 2,
    keep: Literal["oldest"] | Callable[..., str] = "oldest",
    frame: pandas.DataFrame | None = None,
    size: tuple[int, int] = (1, 2),
    baseline: str | None = "main",
    where: Where | None = None,
    required: str,
    progress: bool = True,
    on_frame: Callable[[int], None] | None = None,
) -> int:
    """Do something.

    Args:
        method: How it works. "slow" is better.
        n: Number of records, e.g. 10, on
            two lines. More follows.
        where: Only records that match this filter, e.g. `{"year": 2020}`. More.
        use: Whether to use it.

    Returns:
        A number: not an option.
    """
    return 0


@pytest.fixture
def arguments(monkeypatch):
    monkeypatch.setattr(chromalab.Collection, "example", example, raising=False)
    return {argument.option: argument for argument in options_of("collection.example")}


def test_the_kind_comes_from_the_annotation(arguments):
    kinds = {name: argument.kind for name, argument in arguments.items()}
    assert kinds == {
        "method": "text", "n": "int", "share": "float", "either": "float", "title": "text",
        "names": "words", "kinds": "words", "column": "any", "labels": "words", "exact": "switch",
        "use": "switch", "dims": "any", "keep": "any", "frame": "object", "size": "object",
        "baseline": "text", "where": "where", "required": "text",
    }  # fmt: skip
    assert arguments["method"].choices == ("slow", "fast")
    assert arguments["kinds"].choices == ("a", "b")


def test_the_name_the_default_and_the_short_flag_come_from_the_signature(arguments):
    assert arguments["use"].name == "--no-use"
    assert arguments["use"].value is False
    assert arguments["exact"].value is True
    assert (arguments["n"].short, arguments["n"].default) == ("-n", 20)
    assert arguments["required"].required
    assert not arguments["n"].required
    assert [arguments[name].usage for name in ("n", "use", "size", "required")] == [
        "[-n N]", "[--no-use]", "[--size :SIZE]", "--required REQUIRED"
    ]  # fmt: skip


def test_the_help_is_the_first_sentence_of_the_entry_in_the_docstring(arguments):
    assert arguments["method"].help == "How it works."
    assert arguments["n"].help == "Number of records, e.g. 10, on two lines."
    assert arguments["where"].help == (
        'Only records that match this filter. For example: "year >= 2020".'
    )
    assert arguments["share"].help == ""
    assert arguments["n"].help_text.endswith("[default: 20]")
    assert "One of slow, fast." in arguments["method"].help_text


@pytest.fixture
def values(arguments):
    verb = Verb(api="collection.example", summary="", examples=("", ""), takes=())
    names = {
        "ratio": 2.5,
        "round": 3.0,
        "yes": True,
        "typed": "2",
        "shape": (1, 3),
        "three": 3,
        "by_length": len,
    }
    session = Session(names, DEFAULTS)

    def read(*words):
        return parse(session, verb, [*words, "--required", "x"])

    return read


def test_typed_values_are_converted(values):
    assert values("--dims", "3", "--kinds", "a, b", "--labels", "x,y") == {
        "required": "x", "dims": 3, "kinds": ["a", "b"], "labels": ["x", "y"]
    }  # fmt: skip
    assert values("--no-use", "--exact") == {"required": "x", "no_use": False, "exact": True}
    assert values("--where", "n > 1")["where"] == {"n": {"$gt": 1}}
    assert values("--column", "kind")["column"] == "kind"


def test_objects_are_bound_by_name(values):
    assert values("--size", ":shape")["size"] == (1, 3)
    assert values("--keep", ":by_length")["keep"] is len
    assert values("-n", ":three")["n"] == 3
    assert values("--share", ":three")["share"] == 3.0


def test_the_word_none_is_none_only_where_none_is_not_the_default(values):
    assert values("--baseline", "none")["baseline"] is None
    assert values("--title", "none")["title"] == "none"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-n", ":ratio"), r"-n must be an integer; got 2\.5"),
        (("-n", ":round"), r"-n must be an integer; got 3\.0"),
        (("-n", ":yes"), "-n must be an integer; got True"),
        (("-n", ":typed"), "-n must be an integer; got '2'"),
        (("-n", "2.5"), r"-n must be an integer; got '2\.5'"),
        (("-n", "2.0"), r"-n must be an integer; got '2\.0'"),
        (("-n", "1_000"), "-n must be an integer; got '1_000'"),
        (("--share", ":yes"), "--share must be a number; got True"),
        (("--share", ":typed"), "--share must be a number; got '2'"),
        (("--share", "much"), "--share must be a number; got 'much'"),
        (
            ("--method", "fats"),
            "--method must be one of slow, fast; got 'fats'. Did you mean 'fast'",
        ),
        (("--keep", "newest"), "--keep must be one of oldest; got 'newest'"),
        (("--dims", "4"), "--dims must be one of 2, 3; got '4'"),
        (("--size", "2,3"), "--size must be :name of a Python variable; got '2,3'"),
        (("--title", ":three"), "--title must be a string; got 3"),
        (("--progress",), "does not take '--progress'"),
    ],
)
def test_a_wrong_value_is_reported(values, words, message):
    with pytest.raises(InvalidArgumentError, match=message):
        values(*words)


def test_a_path_leads_through_properties_rooms_and_methods():
    assert resolve("collection.count") is chromalab.Collection.count
    assert resolve("collection.feedback.undo").__name__ == "undo"
    assert resolve("collection.label_queue.label").__qualname__ == "LabelQueue.label"
    assert resolve("chromalab.embed.models") is chromalab.embed.models
    assert options_of("collection.feedback") == ()
