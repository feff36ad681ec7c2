"""Schemas, and Chroma's BM25 over texts with odd Unicode: scenarios for `script.py`."""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Callable
from typing import Any

TEXTS = [
    "", " ", "the", "The wings of the aircraft", "don't can't won't O'Neill's", "snake_case kebab-case",
    "3.14 1,000 2nd 42km/h", "running ran runs runner", "generously generate general", "news newly skies dying",
    "a" * 40, "a" * 41, "ab " * 300, "İstanbul ISTANBUL \u0131stanbul", "Straße STRASSE ß", "ΣΊΣΥΦΟΣ σίσυφος",
    "café cafe\u0301", "ﬁne ﬂow", "\uff26\uff35\uff2c\uff2c", "①②③ ½ Ⅷ", "機械学習のデータ", "ภาษาไทย", "हिन्दी में", "한국어 단어",
    "עִבְרִית", "العربية", "💳 👩‍💻 🇩🇪", "zero\u200bwidth\u200djoiner\ufeff", "soft\xadhyphen", "nul\0byte tab\tnew\nline",
    "non\u00a0breaking\u2003space\u3000wide", "\u2019s \u2018quoted\u2019 \u201cwords\u201d", "under_ _score __init__",
    "C++ C# F# .NET @user #tag", "http://a.b/c?d=e&f=g", "x\u0301\u0302\u0303", "\U0001d400\U0001d41b bold", "ǅ ǆ Ǆ",
    "communication communicating arsenal arsenic", "exceed succeed proceed inning outing", "yield youth boyish sayings",
    "hopping hoped hop", "national nationality nationalism", "'tis 'twas", "y's ' '' '''", "q\u2028r\u2029s\x85t",
]  # fmt: skip
LETTERS = [
    "a",
    "e",
    "s",
    "ing",
    "ed",
    "ly",
    "'",
    "_",
    "é",
    "ß",
    "İ",
    "9",
    "の",
    "\u0301",
    "\u200d",
    "-",
    "th",
    "ation",
    "y",
]


def bm25(s: Any) -> None:
    functions = importlib.import_module(f"{s.library.__name__}.utils.embedding_functions")
    rng = random.Random(0)
    texts = TEXTS + [
        " ".join("".join(rng.choices(LETTERS, k=rng.randint(1, 7))) for _ in range(rng.randint(1, 12)))
        for _ in range(300)
    ]  # fmt: skip
    for options in (
        {},
        {
            "k": 2,
            "b": 0.5,
            "avg_doc_length": 10,
            "token_max_length": 5,
            "stopwords": ["AS", "wings"],
        },
    ):
        function = functions.ChromaBm25EmbeddingFunction(**options)
        for at in range(0, len(texts), 20):
            s.do(
                f"texts {at} of {options}",
                lambda function=function, at=at: [
                    [vector.indices, [value.hex() for value in vector.values], vector.labels]
                    for vector in function(texts[at : at + 20])
                ],
            )
        s.do(
            f"configuration of {options}",
            lambda function=function: canonical(function.get_config()),
        )
    named = functions.ChromaBm25EmbeddingFunction(include_tokens=True)
    s.do("labels", lambda: [[vector.indices, vector.labels] for vector in named(TEXTS)])
    s.do("query", lambda: [vector.indices for vector in named.embed_query(["wings"])])
    s.do("name", named.name)
    build = functions.ChromaBm25EmbeddingFunction.build_from_config
    s.do("built", lambda: canonical(build({"k": 3, "stopwords": ["a"]}).get_config()))
    s.do("not a parameter", lambda: named.validate_config_update({}, {"q": 1}))


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def schemas(s: Any) -> None:
    lib = s.library
    functions = importlib.import_module(f"{lib.__name__}.utils.embedding_functions")
    words = functions.ChromaBm25EmbeddingFunction()

    def shown(schema: Any) -> Any:
        plain = schema.serialize_to_json()
        assert type(schema).deserialize_from_json(plain).serialize_to_json() == plain
        return canonical(plain)

    def vectors(**parts: Any) -> Any:
        return lib.VectorIndexConfig(embedding_function=None, **parts)

    s.do("default", lambda: shown(lib.Schema()))
    made: list[tuple[str, Callable[[], Any]]] = [
        ("sparse", lambda: lib.Schema().create_index(lib.SparseVectorIndexConfig(), "w")),
        ("sparse bm25", lambda: lib.Schema().create_index(
            lib.SparseVectorIndexConfig(embedding_function=words, source_key="#document", bm25=True), "w")),
        ("sparse of a key", lambda: lib.Schema().create_index(
            lib.SparseVectorIndexConfig(embedding_function=words, source_key="title"), key="w")),
        ("vectors", lambda: lib.Schema().create_index(vectors(space="cosine", hnsw=lib.HnswIndexConfig(ef_search=5)))),
        ("spann", lambda: lib.Schema().create_index(vectors(spann=lib.SpannIndexConfig(search_nprobe=3)))),
        ("no strings", lambda: lib.Schema().delete_index(lib.StringInvertedIndexConfig())),
        ("no strings of a key", lambda: lib.Schema().delete_index(lib.StringInvertedIndexConfig(), "k")),
        ("numbers of a key", lambda: lib.Schema().delete_index(lib.IntInvertedIndexConfig(), "k").create_index(
            lib.FloatInvertedIndexConfig(), "k").create_index(lib.BoolInvertedIndexConfig(), "k")),
        ("no text search", lambda: lib.Schema().delete_index(lib.FtsIndexConfig(), "#document")),
        ("text search", lambda: lib.Schema().create_index(lib.FtsIndexConfig(), "#document")),
        ("restored", lambda: lib.Schema().delete_index(lib.IntInvertedIndexConfig()).create_index(
            lib.IntInvertedIndexConfig())),
    ]  # fmt: skip
    for name, make in made:
        s.do(name, lambda make=make: shown(make()))
    refused: list[tuple[str, Callable[[], Any]]] = [
        ("nothing", lambda: lib.Schema().create_index()),
        ("everything of a key", lambda: lib.Schema().create_index(key="k")),
        ("embedding", lambda: lib.Schema().create_index(vectors(), "#embedding")),
        ("reserved", lambda: lib.Schema().create_index(lib.StringInvertedIndexConfig(), "#mine")),
        ("vectors of a key", lambda: lib.Schema().create_index(vectors(), "k")),
        ("sparse of no key", lambda: lib.Schema().create_index(lib.SparseVectorIndexConfig())),
        ("text search of a key", lambda: lib.Schema().create_index(lib.FtsIndexConfig(), "k")),
        ("text search of all", lambda: lib.Schema().create_index(lib.FtsIndexConfig())),
        ("strings of documents", lambda: lib.Schema().create_index(lib.StringInvertedIndexConfig(), "#document")),
        ("a source without a function", lambda: lib.Schema().create_index(
            lib.SparseVectorIndexConfig(source_key="t"), "w")),
        ("a reserved source", lambda: lib.SparseVectorIndexConfig(source_key="#embedding")),
        ("a source that is no text", lambda: lib.SparseVectorIndexConfig(source_key=3)),
        ("a function that is none", lambda: lib.SparseVectorIndexConfig(embedding_function=3)),
        ("delete nothing", lambda: lib.Schema().delete_index()),
        ("delete everything of a key", lambda: lib.Schema().delete_index(key="k")),
        ("delete vectors", lambda: lib.Schema().delete_index(vectors())),
        ("delete reserved", lambda: lib.Schema().delete_index(lib.StringInvertedIndexConfig(), "#mine")),
    ]  # fmt: skip
    for name, make in refused:
        s.do(name, make)


SCENARIOS = {"bm25": bm25, "schemas": schemas}
