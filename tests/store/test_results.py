"""How results are displayed, and what they convert to."""

import base64
import io
import json
import sys

import pytest
from PIL import Image

import chromalab
from chromalab import errors
from chromalab.results.metadata import shown_keys
from chromalab.results.picture import picture
from chromalab.results.tables import html_table, text_table

ATTACK = "<script>alert(1)</script>"


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(
        ids=["a", ATTACK],
        embeddings=[[0, 1], [2, 3]],
        documents=["first", ATTACK + "\x1b[31m"],
        metadatas=[{"n": 1, "id": "mine"}, {ATTACK: ATTACK}],
    )
    return points


def test_a_result_is_a_dict_as_in_chroma(points):
    found = points.get()
    assert isinstance(found, dict)
    assert json.loads(json.dumps(found))["ids"] == ["a", ATTACK]
    assert list(points.query([[0, 1]])) == [
        "ids", "embeddings", "documents", "uris", "included", "data", "metadatas", "distances",
    ]  # fmt: skip


def test_df_has_one_row_per_record_and_one_column_per_key(points):
    frame = points.get(include=["documents", "metadatas", "embeddings"]).df()
    assert list(frame.columns) == ["id", "document", "embedding", "n", "metadata.id", ATTACK]
    assert frame["embedding"][1].tolist() == [2, 3]
    hits = points.query([[0, 1], [2, 3]], n_results=1).df()
    assert list(hits.columns)[:5] == ["query", "rank", "id", "distance", "document"]
    assert hits["id"].tolist() == ["a", ATTACK]
    assert list(points.get(ids=["none"]).df().columns) == ["id"]


def test_without_pandas_every_df_says_how_to_install_it(client, points, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    for result in (points.get(), points.query([[0, 1]]), client.list_collections()):
        with pytest.raises(errors.MissingDependencyError, match="needs pandas: pip install"):
            result.df()


def test_html_is_escaped_and_text_has_no_control_characters(points):
    for result in (points.get(), points.peek(), points.query([[0, 1]])):
        assert "<script>alert" not in result._repr_html_()
        assert "&lt;script&gt;alert" in result._repr_html_()
        assert "\x1b" not in repr(result)


def test_dollar_signs_in_documents_are_not_drawn_as_formulas(points):
    for result in (points.get(), points.query([[0, 1]]), points.describe()):
        page = result._repr_html_()
        assert page.startswith("<div class='chromalab mathjax_ignore tex2jax_ignore'>")
        assert page.endswith("</div>")


def test_cut_results_say_how_many_are_shown(client):
    many = client.create_collection("many", embedding_function=None)
    many.add(ids=[str(n) for n in range(50)], embeddings=[[n] for n in range(50)])
    assert "20 of 50 shown" in repr(many.get())
    assert "20 of 50 shown" in many.get()._repr_html_()
    assert "no records" in repr(many.get(ids=["nope"]))


def test_each_query_is_shown_once(client, function):
    notes = client.create_collection("notes", embedding_function=function)
    notes.add(ids=["a", "b"], documents=["tea", "walk"])
    assert "how" not in repr(notes.query(query_texts=["how"]))
    assert "<p class='heading'>how</p>" in notes.query(query_texts=["how"])._repr_html_()
    both = repr(notes.query(query_texts=["how", "when"]))
    assert both.count("how") == both.count("when") == 1


def test_prices_are_not_typeset_as_formulas_anywhere(client, points):
    wrapper = "<div class='chromalab mathjax_ignore tex2jax_ignore'>"
    for shown in (points.get(), points.describe(), points.outliers(), client.list_collections()):
        assert shown._repr_html_().count(wrapper) == shown._repr_html_().count("<table") > 0
    points.update(ids=["a"], embeddings=[[0, 1]], documents=["was $5, now $3"])
    assert "was $5, now $3" in points.get()._repr_html_()


def test_a_caption_stands_above_the_table_and_names_it():
    shown = html_table(["id"], [["a"]], caption="five > four")
    assert "<p class='heading'>five &gt; four</p><div class='wide'><table aria-label=" in shown
    assert "<table" not in html_table([], [], caption="closed")


def test_the_floats_of_a_column_have_equally_many_decimals():
    rows = [[0.434, 1.0, 1, "x"], [0.6614, 2.0, None, ""], [1.0, 3.0, 1000, "y"]]
    assert text_table(["score", "n", "count", "text"], rows).splitlines()[1:] == [
        "0.4340  1  1      x", "0.6614  2", "1.0000  3  1000   y",
    ]  # fmt: skip
    assert "0.1\n1e-07" in text_table(["p"], [[0.1], [1e-7]])  # a tiny number is not shown as zero
    shown = html_table(["score", "n"], [[0.5, None], [0.25, 3]])
    assert "<td class='number'>0.50</td>" in shown
    assert shown.count("<th class='number'>") == 2


def test_texts_get_their_width_first_and_metadata_is_one_line():
    metadata = {"long": "word " * 100, "year": 2020}
    shown = html_table(["id", "document", "metadata"], [["a", "word " * 30, metadata]])
    assert "<td class='text'>" in shown
    assert "..., year: 2020" in shown[shown.index("<td class='metadata'") :]


def test_charts_have_no_background():
    shown = picture(lambda axes: axes.plot([0, 1]), alt="A line")
    image = Image.open(io.BytesIO(base64.b64decode(shown.partition("base64,")[2][:-2])))
    assert image.getpixel((0, 0))[3] == 0


def test_the_repr_of_a_collection_describes_it(notes):
    assert repr(notes) == "Collection('notes', 0 records, model: counting)"
    assert isinstance(chromalab.EphemeralClient().list_collections(), list)


@pytest.fixture
def many_keys(notes):
    row = {
        "name": "x",
        "note": "a long remark " * 9,
        "kind": "food",
        "hot": True,
        "year": 1,
        "n": 2,
    }
    notes.add(
        ids=["a", "b"],
        documents=["tea", "milk"],
        metadatas=[row, {**row, "name": "y", "hot": False, "year": 2, "n": 3, "<b>": 1}],
    )
    return notes


def test_show_makes_columns_of_the_keys_and_keeps_the_result_whole(many_keys):
    shown = many_keys.get(show=["year", "unknown", "name"])
    assert repr(shown).splitlines() == [
        "id  document  year  unknown  name",
        "a   tea       1              x",
        "b   milk      2              y",
        "no record here has 'unknown'",
    ]
    assert len(shown["metadatas"][0]) == 6
    assert list(shown.df())[:4] == ["id", "document", "name", "note"]
    assert "&lt;b&gt;" in many_keys.get(show="all")._repr_html_()
    assert repr(many_keys.get(show=[])).splitlines()[0] == "id  document"
    found = many_keys.query(query_texts="tea", show=["year"], include=["metadatas"])
    assert repr(found).splitlines()[0].split() == ["rank", "id", "year"]
    assert many_keys.get(show=["year"], include=["documents"])["metadatas"] is None


def test_by_default_one_column_begins_with_the_most_useful_keys(many_keys):
    first = repr(many_keys.get()).splitlines()[1]
    assert first.split(maxsplit=2)[2].startswith("name: x, kind: food, hot: True, year: 1, note: a")


def test_useful_keys_differ_and_are_not_names_of_single_records():
    rows = [
        {
            "source": "web",
            "customer": f"c{n}",
            "day": f"2024-05-{n:02}",
            "kind": "ab"[n % 2],
            "n": n,
            "ok": n > 3,
        }
        for n in range(1, 25)
    ]
    assert shown_keys(None, rows) == ["day", "kind", "n", "ok"]


@pytest.mark.parametrize("show", ["year", [3], {"year": 1}, 7])
def test_show_is_a_list_of_keys(many_keys, show):
    with pytest.raises(errors.InvalidArgumentError, match="show must be"):
        many_keys.get(show=show)
    with pytest.raises(errors.InvalidArgumentError, match="show must be"):
        many_keys.query(query_texts="tea", show=show)


def test_lists_are_shown_without_brackets_where_nothing_follows_them():
    rows = [["a", ["tea", "rye"], {"tags": ["x", "y"], "year": 2020}]]
    for shown in (text_table, html_table):
        assert "tea, rye" in shown(["id", "labels", "metadata"], rows)
        assert "tags: [x, y], year: 2020" in shown(["id", "labels", "metadata"], rows)
