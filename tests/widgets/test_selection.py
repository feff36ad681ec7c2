import gc
import threading
import weakref

import pytest
import traitlets

import chromalab
from chromalab.errors import InvalidArgumentError, NotFoundError
from chromalab.selection import Selection
from chromalab_widgets import Map
from chromalab_widgets.core.selection import selection_for


def collection_of(client, name="facts"):
    made = client.create_collection(name, embedding_function=None)
    made.add(
        ids=["a", "b", "c"],
        embeddings=[[0, 0], [1, 0], [0, 1]],
        documents=["tea", "chalk", "river"],
        metadatas=[{"n": 1}, {"n": 2}, {"n": 2}],
    )
    return made


@pytest.fixture
def facts(client):
    return collection_of(client)


def test_every_handle_of_a_collection_has_the_same_selection(client, facts):
    facts.selection.ids = ["b"]
    assert client.get_collection("facts").selection is facts.selection
    assert client.get_collection("facts").selection.ids == ["b"]


def test_two_clients_of_one_folder_share_it_and_other_stores_do_not(tmp_path):
    with (
        chromalab.PersistentClient(tmp_path / "one") as first,
        chromalab.PersistentClient(tmp_path / "one") as second,
        chromalab.PersistentClient(tmp_path / "two") as other,
    ):
        one, two = collection_of(first), collection_of(other)
        again = second.get_collection("facts")
        one.selection = ["a"]
        assert again.selection.ids == ["a"]
        assert two.selection.ids == []
        first.close()
        assert list(again.selection.df()["id"]) == ["a"]


def test_a_selection_lives_as_long_as_a_collection_object(client):
    facts = collection_of(client)
    held = weakref.ref(facts.selection)
    assert held() is not None
    del facts
    gc.collect()
    assert held() is None


def test_selected_ids_keep_their_order_without_duplicates(facts):
    facts.selection.ids = ["c", "a", "c"]
    assert facts.selection.ids == ["c", "a"]
    assert facts.selection.where is None
    assert len(facts.selection) == 2
    assert "a" in facts.selection
    assert list(facts.selection) == ["c", "a"]
    assert repr(facts.selection) == "Selection(2 records: 'c', 'a')"


def test_the_filter_is_known_until_ids_are_selected(facts):
    facts.selection.set(where={"n": 2})
    assert (facts.selection.ids, facts.selection.where) == (["b", "c"], {"n": 2})
    facts.selection.where["n"] = 3  # a copy
    assert facts.selection.where == {"n": 2}
    facts.selection.ids = ["b"]
    assert facts.selection.where is None


def test_unknown_ids_raise_and_change_nothing(facts):
    facts.selection.ids = ["a"]
    with pytest.raises(
        InvalidArgumentError, match="1 of 2 ids are not in the collection, first 'x'"
    ):
        facts.selection.ids = ["a", "x"]
    with pytest.raises(InvalidArgumentError, match="by ids, or by where"):
        facts.selection.set()
    assert facts.selection.ids == ["a"]


def test_a_selection_can_restrict_a_query(facts):
    facts.selection.set(where={"n": 2})
    found = facts.query(query_embeddings=[[0, 0]], ids=facts.selection.ids)
    assert sorted(found["ids"][0]) == ["b", "c"]


def test_df_has_the_existing_records_even_if_there_are_none(facts):
    assert len(facts.selection.df()) == 0
    facts.selection.ids = ["c", "a"]
    facts.delete(ids=["c"])
    assert facts.selection.df().to_dict("records") == [{"id": "a", "document": "tea", "n": 1}]


def test_callbacks_run_only_on_changes_until_they_end(facts):
    seen = []
    end = facts.selection.watch(lambda selection: seen.append(selection.ids))
    facts.selection.ids = ["a"]
    facts.selection.ids = ["a"]
    facts.selection.clear()
    end()
    facts.selection.ids = ["b"]
    assert seen == [["a"], []]


def test_a_bound_method_as_callback_keeps_nothing_alive(facts):
    class Watcher:
        def seen(self, selection):
            raise AssertionError

    watcher = Watcher()
    facts.selection.watch(watcher.seen)
    del watcher
    gc.collect()
    facts.selection.ids = ["a"]


def test_a_saved_selection_survives_the_client(tmp_path):
    with chromalab.PersistentClient(tmp_path) as client:
        facts = collection_of(client)
        facts.selection.set(where={"n": 2})
        facts.selection.save("twos")
        facts.selection.ids = ["a"]
        facts.selection.save("mine")
        facts.selection.save("mine")
    with chromalab.PersistentClient(tmp_path) as client:
        facts = client.get_collection("facts")
        assert facts.selection.ids == []
        assert facts.selection.saved() == ["twos", "mine"]
        facts.delete(ids=["b"])
        assert facts.selection.load("twos").ids == ["c"]
        assert facts.selection.where == {"n": 2}
        facts.selection.forget("twos")
        with pytest.raises(NotFoundError, match=r"saved as 'twos'\. Selections: mine"):
            facts.selection.load("twos")
        with pytest.raises(NotFoundError, match="saved as 'twos'"):
            facts.selection.forget("twos")


def test_an_array_has_a_selection_that_cannot_be_saved():
    selection = selection_for([[0.0, 1.0]])
    assert isinstance(selection, Selection)
    with pytest.raises(InvalidArgumentError, match="saved with a collection of chromalab"):
        selection.save("mine")


def test_widgets_over_one_collection_follow_each_other(facts):
    first, second = Map(facts, "pca"), Map(facts, "pca")
    first.selected_ids = ("b",)
    assert facts.selection.ids == ["b"]
    assert second.selected_ids == ("b",)
    first.close()
    facts.selection.ids = ["c"]
    assert (first.selected_ids, second.selected_ids) == (("b",), ("c",))


def test_widgets_over_two_collections_can_be_linked(client, facts):
    copy = facts.fork("copy")
    one, two = Map(facts, "pca"), Map(copy, "pca")
    traitlets.link((one, "selected_ids"), (two, "selected_ids"))
    facts.selection.ids = ["a", "b"]
    assert copy.selection.ids == ["a", "b"]


def test_a_link_to_a_collection_without_the_records_keeps_its_selection(client, facts):
    copy = facts.fork("copy")
    copy.delete(ids=["c"])
    two = Map(copy, "pca")
    two.selected_ids = ("a",)
    with pytest.raises(InvalidArgumentError, match="1 of 2 ids are not in the collection"):
        two.selected_ids = ("b", "c")
    assert copy.selection.ids == ["a"]
    assert two.selected_ids == ("a",)


def at_once(*jobs):
    """Do each on a thread of its own, and wait until all are done."""
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def clicks(table, first=0):
    """Click in a table, as requests of the browser do."""

    def click():
        for turn in range(100):
            request = {"at": (first + turn) % 3, "mode": "replace", "generation": table.generation}
            table._on_message({"verb": "select", **request}, None)

    return click


def test_two_tables_that_select_on_two_threads_do_not_deadlock(facts):
    tables = facts.table(), facts.table()
    at_once(clicks(tables[0]), clicks(tables[1], 1))
    assert [table.error for table in tables] == ["", ""]
    assert {table.selected for table in tables} == {1}


def test_tables_over_two_collections_that_watch_each_other_do_not_deadlock(facts):
    copy = facts.fork("copy")
    facts.selection.watch(lambda selection: copy.selection.set(selection.ids))
    copy.selection.watch(lambda selection: facts.selection.set(selection.ids))
    tables = facts.table(), copy.table()
    at_once(clicks(tables[0]), clicks(tables[1], 1))
    assert [table.error for table in tables] == ["", ""]
    assert facts.selection.ids == copy.selection.ids != []


def test_a_panel_opened_while_a_table_selects_does_not_deadlock(client, facts):
    panel, table = client.panel(), facts.table()
    facts.selection.watch(lambda selection: panel.refresh())
    panel.observe(lambda change: facts.selection.clear(), "opened_name")

    def open_and_hide():
        for _ in range(20):
            panel.show("facts", "table")
            panel.hide()

    at_once(clicks(table), open_and_hide)
    assert (table.error, panel.error) == ("", "")
