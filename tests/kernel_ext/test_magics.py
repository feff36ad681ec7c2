"""`%chroma` and `%%chroma` in a real IPython shell."""

import json

import pytest

import chromalab
from chromalab import errors
from chromalab.commands.verbs import VERBS


def run(shell, line):
    return shell.run_line_magic("chroma", line)


def test_a_store_is_opened_filled_and_searched(store):
    assert run(store, "count notes") == 3
    hits = run(store, 'query notes "cup" -k 1')
    assert isinstance(hits, chromalab.QueryResult)
    assert hits["ids"] == [["a"]]
    assert run(store, "get notes b")["documents"] == ["a long walk home"]
    assert run(store, "peek notes --limit 1")["ids"] == ["a"]
    assert [c.name for c in run(store, "collections")] == ["notes"]


def test_the_body_is_text_and_empty_lines_separate_texts(store):
    added = store.run_cell_magic("chroma", "add notes", "two\nlines {x} $y\n\n  \nanother one\n")
    assert (added.added, added.skipped) == (2, 0)
    assert "two\nlines {x} $y" in run(store, "get notes")["documents"]


def test_adding_the_same_text_again_skips_it(store):
    for expected in ("notes: 1 added", "notes: 0 added, 1 skipped (same id)"):
        assert repr(run(store, 'add notes "once only"')) == expected


def test_a_result_is_stored_silently_or_also_shown(store):
    assert store.run_cell_magic("chroma", "hits << query notes -k 1", "tea") is None
    assert store.user_ns["hits"]["ids"] == [["a"]]
    shown = store.run_cell_magic("chroma", "more= << query notes -k 2", "tea\n\nwalk")
    assert shown is store.user_ns["more"]
    assert len(shown["ids"]) == 2


def test_a_variable_is_bound_as_an_object(store):
    store.user_ns["flt"] = {"year": {"$gt": 2020}}
    store.user_ns["ids"] = ["a", "b"]
    store.user_ns["vectors"] = [[3, 2]]
    assert run(store, "get notes --where :flt")["ids"] == ["b"]
    assert run(store, "get notes :ids")["ids"] == ["a", "b"]
    assert run(store, "query notes :vectors -k 1")["ids"] == [["a"]]


def test_nothing_in_a_line_or_body_is_interpolated_unless_asked(store):
    store.user_ns["x"] = "tea"
    store.run_cell("%chroma add notes '{x}'")
    assert "{x}" in run(store, "get notes")["documents"]
    assert store.run_cell_magic("chroma", "query notes -k 1", "{{x}}").queries == ["{{x}}"]
    assert store.run_cell_magic("chroma", "query notes -k 1 --fill", "{{x}}").queries == ["tea"]
    with pytest.raises(errors.NotFoundError, match="No variable 'y'"):
        store.run_cell_magic("chroma", "query notes --fill", "{{y}}")
    with pytest.raises(errors.InvalidArgumentError, match="Only a plain name may be in the braces"):
        store.run_cell_magic("chroma", "query notes --fill", "{{__import__('os')}}")


def test_a_data_frame_is_added_by_its_columns(shell):
    import pandas

    shell.user_ns["df"] = pandas.DataFrame(
        {
            "doi": ["p1", "p2", "p3"],
            "abstract": ["one", "two", "three"],
            "year": [2020, None, 2022],
            "venue": ["ACL", "ACL", None],
            "junk": [{}, {}, {}],
        }
    )
    run(shell, "connect --ephemeral")
    run(shell, "create papers --model lengths")
    line = "add papers :df --text abstract --id doi --meta year,venue"
    assert repr(run(shell, f"{line} --dry-run")) == "papers: 3 would be added"
    assert run(shell, "count papers") == 0
    assert repr(run(shell, line)) == "papers: 3 added"
    found = run(shell, 'get papers --where "year >= 2020"')
    assert found["ids"] == ["p1", "p3"]
    assert found["metadatas"] == [{"year": 2020.0, "venue": "ACL"}, {"year": 2022.0}]


def test_delete_shows_what_it_would_do_until_yes(store):
    assert repr(run(store, "delete notes a b")) == (
        "Would delete 2 of 3 records of 'notes': a, b. Add --yes to delete them."
    )
    assert run(store, "count notes") == 3
    assert repr(run(store, 'delete notes --where "year = 2020" --yes')) == (
        "Deleted 1 of 3 records of 'notes'. %chroma undo notes restores it."
    )
    assert "Deleted 1 of 2 records of 'notes'." in repr(run(store, "delete notes b zzz --yes"))
    assert repr(run(store, "delete notes zzz --yes")) == "Deleted 0 of 1 record of 'notes'."
    with pytest.raises(errors.InvalidArgumentError, match="delete needs ids"):
        run(store, "delete notes --yes")
    assert "its 1 record." in repr(run(store, "delete_collection notes"))
    run(store, "delete_collection notes --yes")
    assert list(run(store, "collections")) == []


def test_undo_restores_the_latest_deletion_or_an_earlier_one_by_its_number(store):
    run(store, "delete notes a --yes")
    run(store, "delete notes b --yes")
    assert repr(run(store, "undo notes 1")) == "notes: 1 restored"
    assert "delete ids ['b']" in repr(run(store, "history notes"))
    assert run(store, "undo notes").what == "delete ids ['b']"
    assert sorted(run(store, "get notes")["ids"]) == ["a", "b", "c"]
    with pytest.raises(errors.NotFoundError, match="nothing to undo"):
        run(store, "undo notes")
    with pytest.raises(errors.InvalidArgumentError):
        run(store, "undo notes last")


def test_connections_are_selected_by_name(store):
    run(store, "connect --ephemeral")
    assert list(run(store, "collections")) == []
    run(store, "connect --as work")
    assert run(store, "count notes") == 3
    with pytest.raises(errors.NotFoundError, match=r"Did you mean 'work'\?"):
        run(store, "connect --as wrk")
    shown = repr(run(store, ""))
    assert "Connections: work (current), ephemeral" in shown
    assert "notes  3" in shown


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("qurey notes x", "Did you mean 'query'?"),
        ("query note x", "Did you mean 'notes'?"),
        ("query notes x --wehre a=1", "Did you mean '--where'?"),
        ("query notes x -k many", "must be an integer"),
        ("query notes x -k 2.5", "must be an integer; got '2.5'"),
        ("get notes --limit :fraction", "--limit must be an integer; got 2.5"),
        ("query notes x -k 0", "at least 1"),
        ("query notes what's up", "quote is not closed"),
        ("query notes", "on the line, or in the body"),
        ("query notes :nope", "No variable 'nope'"),
        ("query notes x --where 'year >'", "expected a number"),
        ("create other --model minlm", "Did you mean 'minilm'?"),
        ("create other --metric euclid", "--metric must be one of l2, cosine, ip; got 'euclid'"),
        ("create notes", "already exists. Use --get-or-create"),
        ("create :sys", "collection must be a string; got 3"),
        ("count :sys", "a name or a Collection; got 3"),
        ("help :sys", "verb must be a string"),
        ("connect --as :sys", "--as must be a string"),
        ("models :sys", "action must be a string"),
        ("get notes --limit :huge", "--limit must be an integer; got inf"),
        ("query notes what is tea", "Put the text in quotes"),
        ("add notes 'one' 'two'", "or in a list: :texts"),
        ("add notes x --jsonl", "--jsonl needs a body"),
        ("query notes :df.text", "Write col = df.text first, then :col"),
        ("get notes :x[0]", "Only a plain name can be bound"),
        ("add notes :f(x, y)", "Only a plain name can be bound"),
        ("query notes x --where 'a = :df.b'", "Only a plain name can be bound"),
        ("query notes :row", "pick a column: q = df['text']"),
        ("query notes :rows", "pick a column: q = df['text']"),
        ("hits << query notes x", "On a line, write: hits = %chroma query notes x"),
        ("query notes '{{x.y}}' --fill", "cannot fill {{x.y}}"),
        ("delete_collection :sys", "must be a string; got 3"),
        ("delete_collection note", "Did you mean 'notes'"),
        ("add notes :n", "No variable 'n'"),
        ("get", "collection"),
        ("models got", "Did you mean 'get'?"),
        ("help qery", "Did you mean 'query'?"),
        ("help query get", "help takes one verb; got 'query' and 'get'."),
        ("panel notes", "panel does not take 'notes'. Use: panel"),
        ("count zebra", "Collections: notes. Create it: %chroma create zebra"),
        ("neighbors notes --random-state :huge", "--random-state must be an integer; got inf"),
        ("feedback.export notes :sys", "path must be the name of a file; got 3"),
        ("feedback.load notes :sys", "path must be the name of a file; got 3"),
        (
            "map notes --duplicates :sys",
            "--duplicates must be a result of %chroma dedupe notes; got 3",
        ),
        (
            "map notes --outliers :sys",
            "--outliers must be a result of %chroma outliers notes; got 3",
        ),
        ("search notes x --ui -k 0", "-k must be at least 1"),
        ("table notes --show :sys", 'show must be a list of metadata keys, or "all"; got 3'),
        ("connect :sys", "path must be a folder or a client; got 3"),
    ],
)
def test_a_wrong_command_is_reported_in_one_line(store, line, message):
    store.user_ns |= {
        "sys": 3,
        "huge": float("inf"),
        "fraction": 2.5,
        "row": {"text": "x"},
        "rows": [{"text": "x"}],
    }
    store.user_ns["notes"] = run(store, "connect --as work").get_collection("notes")
    with pytest.raises(errors.ChromalabError) as caught:
        run(store, line)
    assert message in str(caught.value)
    (rendered,) = caught.value._render_traceback_()
    assert "\n" not in rendered


def test_without_a_store_the_error_explains_how_to_open_one(shell):
    with pytest.raises(errors.InvalidArgumentError, match=r"%chroma connect \./my\.chroma"):
        run(shell, "collections")
    assert "No store is open" in repr(run(shell, ""))


def test_every_form_of_help_has_the_same_text(shell):
    texts = {repr(run(shell, line)) for line in ("help query", "query --help", "query x -h")}
    assert len(texts) == 1
    assert "Examples" in texts.pop()
    overview = repr(run(shell, "help"))
    assert overview == repr(run(shell, "--help")) == repr(run(shell, "-h"))
    assert shell.magics_manager.magics["line"]["chroma"].__doc__.endswith(overview)
    assert all(f"\n  {verb.name} " in overview for verb in VERBS.values())


def test_loading_twice_keeps_connections_and_unloading_is_harmless(shell):
    run(shell, "connect --ephemeral")
    run(shell, "create kept")
    shell.run_line_magic("reload_ext", "chromalab")
    assert run(shell, "count kept") == 0
    shell.run_line_magic("load_ext", "chromalab")
    matchers = [m for m in shell.Completer.custom_matchers if m.matcher_identifier == "chroma"]
    assert len(matchers) == 1
    assert [type(c).__name__ for c in shell.configurables].count("ChromaMagic") == 1
    shell.run_line_magic("unload_ext", "chromalab")
    assert "chroma" not in shell.magics_manager.magics["line"]
    shell.run_line_magic("load_ext", "chromalab")


def test_text_from_users_is_escaped_in_every_display(store):
    script = "<img src=x onerror=alert(1)>"
    for line in ("get notes", "peek notes", f'query notes "{script}" -k 3'):
        page = run(store, line)._repr_html_()
        assert "<img" not in page
        assert "&lt;img src=x" in page
    store.user_ns["evil"] = [{"text": "x", "<b>key</b>": "<script>alert(2)</script>"}]
    run(store, "add notes :evil")
    assert "<script>" not in run(store, "get notes")._repr_html_()
    with chromalab.EphemeralClient() as client:
        assert "<b>" not in client.list_collections()._repr_html_()
    control = errors.InvalidArgumentError("bad \x1b[2J\nname")._render_traceback_()[0]
    assert "\x1b[2J" not in control
    assert "\n" not in control


def test_records_are_corrected_exported_and_read_back(store, tmp_path):
    store.user_ns["rows"] = [{"id": "a", "text": "tea", "year": 2024}]
    assert run(store, "upsert notes :rows --dry-run").updated == 1
    assert repr(run(store, "upsert notes :rows")) == "notes: 0 added, 1 updated"
    written = run(store, "export notes ./notes.jsonl --where 'year > 2020'")
    assert (written.records, written.columns[:2]) == (2, ("id", "document"))
    with pytest.raises(errors.InvalidArgumentError, match="another name, or pass --overwrite"):
        run(store, "export notes ./notes.jsonl")
    store.user_ns["back"] = [json.loads(line) for line in written.path.read_text().splitlines()]
    run(store, "create copy --model lengths")
    assert run(store, "add copy :back").added == 2
    assert repr(run(store, "rename copy copied")) == "Renamed the collection 'copy' to 'copied'."
    assert run(store, "get copied a")["metadatas"] == [{"year": 2024, "kind": "drink"}]


def test_a_text_in_the_body_is_searched_and_each_record_explained(store):
    store.run_cell_magic("chroma", "hits= << search notes -k 1 --hybrid", "a long\nwalk home\n")
    hits = store.user_ns["hits"]
    assert hits["ids"] == [["b"]]
    assert run(store, "why :hits b").lines[-1].startswith("Rank Rrf(")
    assert run(store, "why :hits a").reason.endswith("cut at 1")
