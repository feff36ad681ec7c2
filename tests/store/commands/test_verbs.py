"""One table of verbs: the API, parser, help, command line and docs page agree with it."""

import builtins
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

from chromalab.commands import cli
from chromalab.commands.command import parse
from chromalab.commands.line import split
from chromalab.commands.session import Session
from chromalab.commands.settings import DEFAULTS
from chromalab.commands.signature import resolve
from chromalab.commands.verbs import VERBS

ROOT = Path(__file__).parents[3]
SHORTER = {
    "chromalab.PersistentClient": "connect",
    "client.list_collections": "collections",
    "client.create_collection": "create",
    "collection.add_from": "add",
    "collection.modify": "rename",
    "chromalab.Search.of": "search",
    "chromalab.SearchResult.why": "why",
    "chromalab.embed.models": "models",
    "chromalab.import_chroma": "import",
    "help": "help",
}
NEVER_TYPED = {"progress", "on_progress", "on_frame"}

every_verb = pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)


@every_verb
def test_the_name_of_a_verb_is_its_path_in_the_api(verb):
    if verb.name == "upsert":
        assert verb.api == "collection.add_from"  # with update=True
    else:
        assert verb.name == SHORTER.get(verb.api, verb.api.partition(".")[2])
    assert VERBS[verb.name] is verb


@every_verb
def test_the_path_of_a_verb_leads_to_a_public_call_or_attribute(verb):
    found = resolve(verb.api)
    assert found is not None
    assert not any(part.startswith("_") for part in verb.api.split("."))


@every_verb
def test_the_flags_of_a_verb_are_the_options_of_the_call(verb):
    found = resolve(verb.api)
    options = [a.option for a in verb.arguments if a.option]
    assert len(options) == len(set(options))
    if not callable(found) or verb.name == "help":
        assert options == []
        return
    parameters = inspect.signature(found).parameters
    names = list(parameters)[0 if verb.api.startswith("chromalab.") else 1 :]
    assert {*options} == {*names} - NEVER_TYPED - {*verb.hides}
    assert {*verb.hides} <= {*names}, "a hidden option does not exist"
    assert {*verb.changes} <= {*names}, "a changed option does not exist"
    for argument in verb.arguments:
        if argument.option and argument.kind == "switch":
            assert parameters[argument.option].default is not argument.value


@pytest.mark.parametrize(
    "name",
    [
        "neighbors", "cluster", "topics", "dedupe", "link", "leakage", "outliers", "project",
        "propagate", "classify", "label_queue",
    ],
)  # fmt: skip
def test_every_option_of_an_analysis_is_a_flag(name):
    assert VERBS[name].hides == ()


@every_verb
def test_every_verb_and_every_argument_has_help_and_the_examples_name_the_verb(verb):
    assert re.fullmatch(r"[A-Z].*\.", verb.summary)
    assert len(set(verb.examples)) == 2
    assert all(f"chroma {verb.name}" in example for example in verb.examples)
    for argument in verb.arguments:
        assert re.fullmatch(r".*\S.*(\.|\.\.\.)", argument.help), argument.name


@every_verb
def test_an_example_does_not_assign_to_a_builtin(verb):
    for example in verb.examples:
        name = example.partition("=")[0].strip() if " = %chroma" in example else ""
        assert not hasattr(builtins, name)


@every_verb
def test_the_examples_parse(verb, monkeypatch):
    names = ("df", "questions", "clusters", "qrels", "other", "test", "vector", "twins",
             "search", "hits")  # fmt: skip
    session = Session({name: ["x"] for name in names}, DEFAULTS)
    monkeypatch.setattr(session, "collection", lambda name: name)  # of a store that is not open
    for example in verb.examples:
        words = split(example[example.index("%chroma") + len("%chroma") :])
        assert isinstance(parse(session, verb, words[1:]), dict)


def test_the_docs_page_has_a_heading_per_verb_and_is_up_to_date():
    spec = importlib.util.spec_from_file_location("make_verbs", ROOT / "docs" / "make_verbs.py")
    make_verbs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_verbs)
    page = (ROOT / "docs" / "magics.md").read_text()
    assert re.findall(r"^### (.*)$", page, re.MULTILINE) == list(VERBS)
    assert page == make_verbs.page(), "run: make docs"


def test_the_command_line_lists_its_verbs_and_refuses_others(capsys):
    assert cli.main([]) == 0
    assert "models" in capsys.readouterr().out
    assert cli.main(["--version"]) == 0
    assert cli.main(["modles"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: Unknown command 'modles'. Did you mean 'models'?")
    assert cli.main(["models", "get", "minilmm"]) == 1
    assert "Did you mean 'minilm'?" in capsys.readouterr().err


def test_the_command_line_points_to_the_notebook_for_other_verbs(capsys):
    assert cli.main(["query", "papers", "tea"]) == 1
    assert capsys.readouterr().err == (
        "Error: query runs in a notebook: %load_ext chromalab, then %chroma query\n"
    )
    assert cli.main(["help", "\r\x1b[2Kquery"]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_the_command_line_finds_a_model(capsys):
    assert cli.main(["models", "get", "minilm"]) == 0
    assert "minilm is in " in capsys.readouterr().out
    assert cli.main(["models"]) == 0
    assert "all-MiniLM-L6-v2" in capsys.readouterr().out
