"""One table: parser, help, completion, command line and docs page agree."""

from pathlib import Path

import pytest

from chromalab_kernel import cli
from chromalab_kernel.verbs import VERBS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_every_verb_has_a_summary_an_api_call_and_two_examples_that_name_it(verb):
    assert verb.summary.endswith(".")
    assert verb.api
    assert len(verb.examples) == 2
    assert all(f"chroma {verb.name}" in example for example in verb.examples)
    for argument in verb.arguments:
        assert argument.help.endswith(".") or argument.help.endswith("...")


@pytest.mark.parametrize("verb", VERBS.values(), ids=lambda verb: verb.name)
def test_the_examples_parse(shell, verb):
    from types import SimpleNamespace

    from chromalab_kernel.command import _parse
    from chromalab_kernel.line import split
    from chromalab_kernel.session import Session

    names = {name: ["x"] for name in ("df", "questions", "clusters", "qrels")}
    session = Session(names, shell.magics_manager.registry["ChromaMagic"].session.settings)
    for example in verb.examples:
        words = split(example[example.index("%chroma") + len("%chroma") :])
        assert isinstance(_parse(session, verb, words[1:]), SimpleNamespace)


def test_the_docs_page_is_made_from_the_table():
    import importlib.util

    spec = importlib.util.spec_from_file_location("make_verbs", ROOT / "docs" / "make_verbs.py")
    make_verbs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_verbs)
    assert (ROOT / "docs" / "magics.md").read_text() == make_verbs.page(), "run: make docs"


def test_the_command_line_lists_its_verbs_and_refuses_others(capsys):
    assert cli.main([]) == 0
    assert "models" in capsys.readouterr().out
    assert cli.main(["--version"]) == 0
    assert cli.main(["modles"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("Error: Unknown command 'modles'. Did you mean 'models'?")
    assert cli.main(["models", "get", "minilmm"]) == 1
    assert "Did you mean 'minilm'?" in capsys.readouterr().err


def test_a_verb_of_the_notebook_on_the_command_line_is_told_its_place(capsys):
    assert cli.main(["query", "papers", "tea"]) == 1
    assert capsys.readouterr().err == (
        "Error: query works in a notebook: %load_ext chromalab, then %chroma query\n"
    )
    assert cli.main(["help", "\r\x1b[2Kquery"]) == 1
    assert "\x1b" not in capsys.readouterr().err


def test_the_command_line_finds_a_model(capsys):
    assert cli.main(["models", "get", "minilm"]) == 0
    assert "minilm is in " in capsys.readouterr().out
    assert cli.main(["models"]) == 0
    assert "all-MiniLM-L6-v2" in capsys.readouterr().out
