"""How texts are filled, split, bound and printed: --fill, comments, objects by name, untrusted ids."""

import json
from pathlib import Path

import pytest

import chromalab
from chromalab import errors


def run(shell, line):
    return shell.run_line_magic("chroma", line)


def test_fill_fills_the_line_and_the_text_column_and_nothing_else(store):
    store.user_ns |= {"x": "tea", "braces": "{{x}}", "q": "{{x}}"}
    assert run(store, 'query notes "{{x}} or {{ x }}" --fill -k 1').queries == ["tea or tea"]
    assert run(store, 'query notes "{{braces}}" --fill -k 1').queries == ["{{x}}"]
    assert run(store, "query notes :q --fill -k 1").queries == ["{{x}}"]
    assert run(store, 'query notes "{{x.y" --fill -k 1').queries == ["{{x.y"]
    row = json.dumps({"id": "d", "body": "hot {{x}}", "kind": "{{x}}"})
    store.run_cell_magic("chroma", "add notes --jsonl --fill --text body", row)
    found = run(store, "get notes d")
    assert found["documents"] == ["hot tea"]
    assert found["metadatas"] == [{"kind": "{{x}}"}]
    store.run_cell_magic("chroma", "add notes --jsonl --fill", '{"id": "e", "text": "{{x}}"}')
    assert run(store, "get notes e")["documents"] == ["tea"]
    with pytest.raises(errors.InvalidArgumentError, match=r"cannot fill \{\{x\.y\}\}"):
        store.run_cell_magic("chroma", "query notes --fill", "{{x}} and {{x.y}}")


def test_json_that_is_nested_too_deeply_or_not_a_query_is_reported(store):
    with pytest.raises(
        errors.InvalidArgumentError, match="Line 1 of the body is nested too deeply"
    ):
        store.run_cell_magic("chroma", "query notes --jsonl", "[" * 100_000)
    with pytest.raises(errors.InvalidArgumentError, match="must be a JSON string"):
        store.run_cell_magic("chroma", "query notes --jsonl", '{"text": "tea"}')
    assert store.run_cell_magic("chroma", "query notes --jsonl", '"tea"').queries == ["tea"]


def test_a_data_frame_is_not_a_query_but_its_column_is(store):
    import pandas

    store.user_ns["df"] = pandas.DataFrame({"text": ["tea"]})
    store.user_ns["q"] = store.user_ns["df"]["text"]
    with pytest.raises(errors.InvalidArgumentError, match="pick a column"):
        run(store, "query notes :df")
    assert run(store, "query notes :q -k 1")["ids"] == [["a"]]


class Vowels(chromalab.EmbeddingFunction):
    def __call__(self, input):
        return [[sum(text.count(vowel) for vowel in "aeiou")] for text in input]


def test_an_embedding_function_and_a_collection_are_passed_as_objects(store):
    store.user_ns |= {"ef": Vowels(), "nothing": None}
    store.user_ns["mine"] = run(store, "create vowels --model :ef")
    run(store, 'add :mine "aeiou"')
    assert run(store, 'query :mine "ooooo" -k 1')["distances"] == [[0.0]]
    assert run(store, "create plain --model :nothing").model == "none"


def test_a_variable_can_be_a_value_in_a_condition(store):
    store.user_ns |= {"y": 2021, "years": [2020]}
    assert run(store, 'get notes --where "year = :y"')["ids"] == ["b"]
    assert run(store, 'get notes --where "year in :years"')["ids"] == ["a"]


def test_the_assignment_allows_a_space_before_the_sign(store):
    shown = store.run_cell_magic("chroma", "hits = << query notes -k 1", "tea")
    assert store.user_ns["hits"] is shown


def test_a_store_is_opened_by_a_path_object(shell, tmp_path):
    shell.user_ns["p"] = Path(tmp_path) / "by.chroma"
    run(shell, "connect :p")
    assert (tmp_path / "by.chroma" / "store.sqlite3").exists()


def test_ids_and_names_reach_the_terminal_without_control_characters(store):
    store.user_ns["rows"] = [{"id": "\r\x1b[2Kgone", "text": "x"}]
    store.user_ns["name"] = "a\x1b[2J\nb"
    run(store, "add notes :rows")
    shown = repr(run(store, "delete notes --contains x"))
    assert "[2Kgone" in shown
    assert shown.isprintable()
    run(store, "connect --ephemeral --as :name")
    assert "\x1b" not in repr(run(store, ""))
