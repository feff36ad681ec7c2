"""chromalab returns what Chroma 1.5.9 returned, step by step, except where `BETTER` lists a step."""

import importlib.util
import json
import math
from pathlib import Path

import pytest

import chromalab

_HERE = Path(__file__).parent


def load(name):
    spec = importlib.util.spec_from_file_location(name, _HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Script = load("script").Script
SCENARIOS = {
    **load("scenarios_writing").SCENARIOS,
    **load("scenarios_selecting").SCENARIOS,
    **load("scenarios_collections").SCENARIOS,
    **load("scenarios_filters").SCENARIOS,
    **load("scenarios_tenants").SCENARIOS,
    **load("scenarios_sparse").SCENARIOS,
}
CHROMA = json.loads((_HERE / "chroma_1_5_9.json").read_text())

# (scenario, step) -> what chromalab does instead, and the reason. Errors are given by class name.
BETTER = {
    ("bad_adds", "empty embedding"): ("InvalidArgumentError", "an IndexError says nothing"),
    ("bad_adds", "metadata not a dict"): ("InvalidArgumentError", "an AttributeError says nothing"),
    ("bad_adds", "too many"): (
        "BatchSizeExceededError",
        "a ValueError as elsewhere, not an InternalError",
    ),
    ("metadata_values", "i64 over"): ("InvalidArgumentError", "Chroma stores another number"),
    ("metadata_values", "a none beside a value"): (None, "None is not a value, as in update"),
    ("metadata_values", "sn"): ([{"a": 1}], "follows from the step before"),
    ("metadata_values", "only none"): (None, "None is not a value, as in update"),
    ("metadata_values", "n"): ([None], "follows from the step before"),
    ("metadata_values", "numpy int"): (None, "DataFrame cells are NumPy scalars"),
    ("metadata_values", "numpy float"): (None, "DataFrame cells are NumPy scalars"),
    ("upserting_and_updating", "update a document alone, no function"): (
        "EmbeddingFunctionError",
        "Chroma uses its default model, whose vectors do not fit",
    ),
    ("querying", "texts without a function"): ("EmbeddingFunctionError", "the same"),
    ("getting", "negative limit"): ("InvalidArgumentError", "an OverflowError says nothing"),
    ("getting", "negative offset"): ("InvalidArgumentError", "an OverflowError says nothing"),
    ("querying", "ids unknown"): ([[]], "unknown ids are ignored, as in get"),
    ("querying", "ids known and unknown"): ([["a"]], "unknown ids are ignored, as in get"),
    ("querying", "two kinds"): ("InvalidArgumentError", "Chroma drops the texts silently"),
    ("querying", "nan"): ("InvalidArgumentError", "Chroma returns NaN distances"),
    ("collections", "create again"): ("UniqueConstraintError", "InternalError says nothing"),
    ("collections", "bad metadata"): ("InvalidArgumentError", "as for the metadata of records"),
    ("collections", "modify to a taken name"): ("UniqueConstraintError", "the same"),
    ("list_metadata", "where {'sizes': {'$contains': 3.0}}"): (
        ["a", "b"],
        "an integer equals the float of the same value, as with $eq",
    ),
    ("list_metadata", "where {'prices': {'$contains': 2}}"): (["c"], "the same"),
    ("including", "query ['data']"): ("InvalidArgumentError", "Chroma's get refuses it as well"),
    ("including", "tuple"): (
        {
            "ids": ["a"],
            "embeddings": None,
            "documents": ["an apple a day"],
            "uris": None,
            "included": ["documents"],
            "data": None,
            "metadatas": None,
        },
        "a tuple means the same as a list",
    ),
    **dict.fromkeys(
        (
            ("schemas", "a reserved source"),
            ("schemas", "a source that is no text"),
            ("schemas", "a function that is none"),
        ),
        ("InvalidArgumentError", "a ValueError as well, but not of pydantic"),
    ),
    ("tenants", "tenant again"): ("UniqueConstraintError", "InternalError says nothing"),
    ("tenants", "database again"): ("UniqueConstraintError", "the same"),
    ("tenants", "database in no tenant"): (
        "NotFoundError",
        "Chroma creates it, but it is unreachable",
    ),
    ("tenants", "negative limit"): ("InvalidArgumentError", "an OverflowError says nothing"),
    ("tenants", "databases of no tenant"): ("NotFoundError", "reports a misspelled name"),
    ("opening", "setting of a wrong type"): ("InvalidArgumentError", "as for any argument"),
    ("opening", "unknown setting"): ("InvalidArgumentError", "reports a misspelled name"),
    ("modifying", "unknown section"): ("InvalidArgumentError", "reports a misspelled name"),
    ("modifying", "as found changed"): (
        {
            "hnsw": {
                "space": "cosine",
                "ef_construction": 100,
                "ef_search": 50,
                "max_neighbors": 16,
                "resize_factor": 1.2,
                "sync_threshold": 99,
                "num_threads": 2,
                "batch_size": 50,
            },
            "spann": None,
            "embedding_function": None,
        },
        "Chroma forgets num_threads and batch_size",
    ),
}
NULL_FUNCTION = {"type": "legacy"}  # how Chroma stores "none" next to a configuration


def close(ours, theirs):
    """Return whether two results are equal; distances to 5 digits, as Chroma's are float32."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, abs_tol=2e-5)
    if isinstance(ours, dict) and isinstance(theirs, dict):
        theirs = {k: None if v == NULL_FUNCTION else v for k, v in theirs.items()}
        return ours.keys() == theirs.keys() and all(close(ours[k], theirs[k]) for k in ours)
    if isinstance(ours, list) and isinstance(theirs, list):
        return len(ours) == len(theirs) and all(map(close, ours, theirs))
    return ours == theirs and type(ours) is type(theirs)


def named(name):
    """Return the exception class of that name in chromalab or Python."""
    return (
        getattr(chromalab.errors, name, None)
        or getattr(__builtins__, name, None)
        or (__builtins__[name] if isinstance(__builtins__, dict) else None)
    )


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_every_step_matches_chroma(name, tmp_path):
    known = dict(chromalab.embed.known_embedding_functions)
    with chromalab.PersistentClient(tmp_path) as client:
        script = Script(chromalab, client)
        raised = []
        original = script.do

        def do(what, step):
            def watched():
                try:
                    return step()
                except Exception as error:
                    raised.append((what, error))
                    raise

            return original(what, watched)

        script.do = do
        SCENARIOS[name](script)
    chromalab.embed.known_embedding_functions.clear()
    chromalab.embed.known_embedding_functions.update(known)

    errors = dict(raised)
    wrong = []
    for ours, theirs in zip(script.log, CHROMA[name], strict=True):
        what = ours["step"]
        assert what == theirs["step"], "Run record.py again."
        expected = theirs
        if (name, what) in BETTER:
            instead, _ = BETTER[name, what]
            is_error = isinstance(instead, str) and named(instead) is not None
            expected = {"raises": instead} if is_error else {"value": instead}
        if "raises" in expected:
            if what not in errors or not isinstance(errors[what], named(expected["raises"])):
                wrong.append((what, ours, expected))
            elif not isinstance(errors[what], chromalab.errors.ChromalabError):
                wrong.append((what, "not a ChromalabError", errors[what]))
        elif "value" not in ours or not close(ours["value"], expected["value"]):
            wrong.append((what, ours, expected, errors.get(what)))
    assert not wrong, "\n".join(map(str, wrong))


def test_every_listed_difference_is_a_step():
    steps = {(name, step["step"]) for name, log in CHROMA.items() for step in log}
    assert set(BETTER) <= steps
