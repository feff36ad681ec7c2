"""Each invalid argument raises an error of the right type with a clear message, and writes nothing."""

import pickle
from uuid import uuid4

import numpy as np
import pandas
import pytest

from chromalab import errors


@pytest.fixture
def points(client):
    points = client.create_collection("points", embedding_function=None)
    points.add(ids=["a"], embeddings=[[1, 2]])
    return points


@pytest.mark.parametrize(
    ("record", "builtin", "message"),
    [
        ({"ids": ["x"], "embeddings": [[1, 2, 3]]}, ValueError, "Embeddings of collection 'points' must have 2 dimensions; got 3."),
        ({"ids": ["x", "y"], "embeddings": [[1, 2], [np.nan, 1]]}, ValueError, "got NaN or infinity in 1 of 2 rows, first in embeddings[1]."),
        ({"ids": ["x"], "embeddings": [[1, np.inf]]}, ValueError, "embeddings must be finite numbers; got NaN or infinity in 1 of 1 row, first in embeddings[0]."),
        ({"ids": ["x"], "embeddings": [[1, 1e39]]}, ValueError, "NaN or infinity"),
        ({"ids": ["x", "y", "x"], "embeddings": [[1, 2]] * 3}, ValueError, "ids must be unique; got 1 duplicate id in this call: 'x'. Give each record its own ID."),
        ({"ids": ["x", "y"], "embeddings": [[1, 2]]}, ValueError, "embeddings must have one value per id; got 1 value for 2 ids."),
        ({"ids": ["x"], "embeddings": [[1, 2]], "documents": ["p", "q"]}, ValueError, "documents must have one value per id; got 2 values for 1 id."),
        ({"ids": [], "embeddings": []}, ValueError, "ids must not be empty"),
        ({"ids": [""], "embeddings": [[1, 2]]}, ValueError, "ids[0] must be a non-empty string without NUL characters; got ''. Give the record another ID."),
        ({"ids": ["a\0b"], "embeddings": [[1, 2]]}, ValueError, "NUL"),
        ({"ids": ["\ud800"], "embeddings": [[1, 2]]}, ValueError, "not valid Unicode"),
        ({"ids": ["x", 7], "embeddings": [[1, 2]] * 2}, ValueError, "ids[1] must be a string; got 7, of type int."),
        ({"ids": 7, "embeddings": [[1, 2]]}, ValueError, "ids must be a list of string IDs; got 7"),
        ({"ids": ["x"]}, ValueError, "Pass embeddings, or documents"),
        ({"ids": ["x"], "documents": ["text"]}, ValueError, "has no embedding function"),
        ({"ids": ["x"], "embeddings": [["1", "2"]]}, ValueError, "rows of numbers"),
        ({"ids": ["x"], "embeddings": [[]]}, ValueError, "embeddings must not be empty; got an array of shape (1, 0)."),
        ({"ids": ["x"], "embeddings": "ab"}, ValueError, "rows of numbers"),
        ({"ids": ["x", "y"], "embeddings": [[1], [1, 2]]}, ValueError, "all of the same length; got rows of different lengths: 1, 2."),
        ({"ids": ["x", "y"], "embeddings": [[1, [2]], [3, 4]]}, ValueError, "embeddings must be rows of numbers, all of the same length; got rows within rows."),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": float("inf")}]}, ValueError, "metadatas[0]['a'] must be a finite number; got inf."),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": np.ones(384)}]}, ValueError, "metadatas[0]['a'] must not be a vector; got an array of 384 values. Pass it in embeddings"),
        ({"ids": {"x", "y"}, "embeddings": [[1, 2]] * 2}, ValueError, "ids must be a list, because its values are paired with those of other lists by position; got a set"),
        ({"ids": ["x", "y"], "embeddings": [[1, 2]] * 2, "documents": frozenset("pq")}, ValueError, "documents must be a list, because"),
        ({"ids": ["x", "y"], "embeddings": {(1, 2), (3, 4)}}, ValueError, "embeddings must be a list, because"),
        ({"ids": ["x", np.nan], "embeddings": [[1, 2]] * 2}, ValueError, "ids[1] must be a string; got a missing value. Every record needs an ID."),
        ({"ids": pandas.DataFrame({"id": ["x"]}), "embeddings": [[1, 2]]}, ValueError, 'ids must be a list or a single column; got a DataFrame. Choose a column, such as table["name"].'),
        ({"ids": ["x", "y"], "embeddings": pandas.Series([[1, 2], None])}, ValueError, "No embedding in 1 row, first embeddings[1]."),
        ({"ids": ["x"], "embeddings": pandas.Series(["[1, 2]"])}, ValueError, "Parse the texts first"),
        ({"ids": ["x"], "embeddings": np.ma.masked_equal([[1, 2]], 2)}, ValueError, "NaN or infinity in 1 of 1 row"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": 2**63}]}, ValueError, "metadatas[0]['a'] must fit in 64 bits; got 9223372036854775808."),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": 10**5000}]}, ValueError, "got <an integer of 16,610 bits>."),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": np.timedelta64(1, "M")}]}, ValueError, "of type timedelta64"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{2: "a"}]}, TypeError, "The keys of metadatas[0] must be strings; got 2."),
        ({"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": object}]}, ValueError, "must be a str, an int, a float, a bool or a list of one of these"),
        ({"ids": ["x"], "embeddings": [[1, 2]], "documents": [b"bytes"]}, ValueError, "documents[0] must be a string; got b'bytes', of type bytes."),
        ({"ids": ["x"], "embeddings": [[1, 2]], "images": [1]}, ValueError, "images[0] must be an array of numbers"),
        ({"ids": [str(n) for n in range(5462)], "embeddings": np.zeros((5462, 2))}, ValueError, "at most 5,461 records; got 5,462. Use collection.add_from"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("call", ["add", "upsert"])
def test_an_invalid_record_is_rejected(points, call, record, builtin, message):
    with pytest.raises(builtin) as caught:
        getattr(points, call)(**record)
    assert isinstance(caught.value, errors.ChromalabError)
    assert message in str(caught.value)
    assert points.get(include=["embeddings"])["embeddings"].tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (
            {"year": {"$gte": "2020"}},
            "The value of $gte on 'year' in where must be a number or a date; got '2020'. Write dates as in '2024-06-01', or pass a datetime.",
        ),
        ({"year": {"$gte": "2020-02-30"}}, "must be a number or a date; got '2020-02-30'."),
        ({"year": {"$lt": pandas.NaT}}, "must be a number or a date; got NaT."),
        ({"year": pandas.NA}, "must be a str, int, float, bool or date; got <NA>."),
        ({"year": {"$in": [np.nan, None]}}, "must be a non-empty list of values of one type"),
        ({"year": {"$gt": 1, "$lt": 3}}, "exactly one operator"),
        ({"year": {"$gtt": 1}}, "Did you mean '$gt'?"),
        ({"$adn": [{"a": 1}, {"b": 1}]}, "Did you mean '$and'?"),
        ({"a": 1, "b": 2}, 'Join several conditions with {"$and": [...]}'),
        ({"$and": [{"a": 1}]}, "at least two clauses"),
    ],
)
def test_an_invalid_where_is_rejected(points, where, message):
    for call in (
        points.get,
        points.delete,
        lambda **given: points.query(query_embeddings=[[1, 2]], **given),
    ):
        with pytest.raises(errors.InvalidArgumentError) as caught:
            call(where=where)
        assert message in str(caught.value)
    assert points.count() == 1


def test_a_regular_expression_cannot_backtrack_catastrophically(points):
    points.update(ids=["a"], documents=["a" * 5000 + "!"], embeddings=[[1, 2]])
    assert points.get(where_document={"$regex": "(a+)+$"})["ids"] == []
    with pytest.raises(errors.InvalidArgumentError, match="RE2 cannot compile"):
        points.get(where_document={"$regex": r"(a)\1"})


def test_an_unknown_collection_is_reported_with_similar_names(client):
    client.create_collection("papers", embedding_function=None)
    for call in (client.get_collection, client.delete_collection):
        with pytest.raises(errors.NotFoundError) as caught:
            call("paper")
        assert isinstance(caught.value, KeyError)
        assert str(caught.value) == (
            "Collection 'paper' does not exist. Did you mean 'papers'? Collections: papers."
        )


def test_text_in_names_and_values_is_never_sql(client):
    points = client.create_collection("points", embedding_function=None)
    evil = "x'); DROP TABLE records; --"
    points.add(ids=[evil], embeddings=[[1]], documents=[evil], metadatas=[{evil: evil}])
    assert points.get(ids=[evil], where={evil: evil})["documents"] == [evil]
    assert points.get(where_document={"$contains": evil})["ids"] == [evil]
    assert points.delete(where={evil: evil}) == {"deleted": 1}


def test_an_error_is_one_line_in_ipython():
    (line,) = errors.NotFoundError("no such\nthing \x1b[2J")._render_traceback_()
    assert line == "\x1b[31mNotFoundError\x1b[0m: no such thing  [2J"


def test_a_message_has_no_control_characters_but_its_args_are_unchanged():
    raw = "no such\nthing \x1b[2J \u202egnp"
    error = pickle.loads(pickle.dumps(errors.NotFoundError(raw)))
    assert error.args == (raw,)
    assert str(error) == "no such thing  [2J  gnp"
    assert errors.near("a", ["b\x1b[2J\nc"]) == "Known: b [2J c."


@pytest.mark.parametrize("call", [dict, list])
def test_values_of_any_size_and_depth_give_a_short_message(points, call):
    deep = call()
    for _ in range(100_000):
        deep = {"a": deep} if call is dict else [deep]
    for value in (
        deep,
        b"x" * 50_000_000,
        bytearray(50_000_000),
        {"a": deep},
        {"a": {"b": "x" * 10**7}},
    ):
        for given in (
            {"ids": [value], "embeddings": [[1, 2]]},
            {"ids": ["x"], "embeddings": [[1, 2]], "documents": [value]},
            {"ids": ["x"], "embeddings": [[1, 2]], "metadatas": [{"a": value}]},
        ):
            with pytest.raises(errors.InvalidArgumentError) as caught:
                points.add(**given)
            assert len(str(caught.value)) < 300
        with pytest.raises(errors.InvalidArgumentError, match="include has no part"):
            points.get(include=[value])


def test_a_limit_beyond_64_bits_is_rejected(client, points):
    for call in (client.list_collections, points.get):
        for name in ("limit", "offset"):
            with pytest.raises(
                errors.InvalidArgumentError, match=f"{name} must be an integer from 0 to"
            ):
                call(**{name: 2**70})
            with pytest.raises(
                errors.InvalidArgumentError, match=f"{name} must be an integer from 0 to"
            ):
                call(**{name: np.uint64(2**63)})
            call(**{name: 2**63 - 1})


def test_messages_have_the_words_that_programs_of_chroma_look_for(client, points):
    for words, call in (
        ("already exists", lambda: client.create_collection("points")),
        ("does not exist", lambda: client.get_collection("none")),
        ("does not exist", lambda: client.get_collection_by_id(uuid4())),
        ("not found", lambda: client.set_tenant("none")),
        ("not found", lambda: client.set_database("none")),
        ("batch size", lambda: points.add(ids=[*map(str, range(5462))], embeddings=[[1]] * 5462)),
        ("ID", lambda: points.add(ids=[1], embeddings=[[1, 2]])),
        ("ID", lambda: points.get(ids=1)),
        ("where", lambda: points.get(where={"value": {"nested": "5"}})),
        ("where document", lambda: points.get(where_document={"$lt": 2})),
        ("where document", lambda: points.get(where_document={"$contains": []})),
        (
            "not supported",
            lambda: client.create_collection("xyz", configuration={"hnsw": {"space": "l1"}}),
        ),
    ):
        with pytest.raises(errors.ChromalabError, match=words):
            call()
