"""The examples of docs/search.md run and print what the page says, and there is one per operator."""

import doctest
import re
from pathlib import Path

import chromalab
from chromalab.search import steps
from chromalab.search.keys import Key

PAGE = Path(__file__).parents[3] / "docs" / "search.md"
EXAMPLES = "\n".join(re.findall(r"```pycon\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
PARTS = {
    "Candidates",
    "Condition",
    "K",
    "Key",
    "Limit",
    "QueryStep",
    "Rank",
    "Records",
    "Region",
    "Select",
}


def test_the_examples_of_the_page_print_what_it_says():
    test = doctest.DocTestParser().get_doctest(EXAMPLES, {}, PAGE.name, str(PAGE), 0)
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    said = []
    runner.run(test, out=said.append)
    assert runner.summarize(verbose=False).failed == 0, "".join(said)


def test_the_page_has_an_example_of_every_operator():
    public = {name: getattr(chromalab, name) for name in chromalab.__all__}
    ours = [name for name, value in public.items() if "chromalab.search." in _module(value)]
    names = {*ours, *steps.__all__} - PARTS
    used = [f"{name}(" for name in names if name[0].isupper() and name != "Step"]
    used += [f".{name}(" for name in vars(Key) if name[0].islower()]
    used += [
        f" {sign} " for sign in ("==", "!=", "<=", "<", ">=", ">", "&", "|", "+", "-", "*", "/")
    ]
    used += ["~Ball(", "abs(", ".exp(", ".log(", ".max(", ".min("]
    assert [each for each in used if each not in EXAMPLES] == []


def _module(value):
    return getattr(value, "__module__", None) or ""
