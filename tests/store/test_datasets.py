import dataclasses
import hashlib
import re
import subprocess
import sys
import zipfile
from collections import Counter
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from chromalab import datasets, errors
from chromalab.datasets.dataset import Query
from chromalab.datasets.passages import passages


@pytest.fixture
def banking():
    return datasets.load("banking77")


@pytest.fixture
def facts():
    return datasets.load("facts")


@pytest.fixture
def speech():
    return datasets.load("speech")


def long_words(text):
    return set(re.findall(r"[a-z]{4,}", text.lower()))


def test_every_dataset_loads_by_its_name():
    assert datasets.names() == ("banking77", "facts", "speech")
    assert tuple(datasets.load(name).name for name in datasets.names()) == datasets.names()


@pytest.mark.parametrize("name", datasets.names())
def test_ids_documents_and_metadatas_have_equal_length_and_ids_are_unique(name):
    dataset = datasets.load(name)
    assert len(dataset) == len(dataset.ids) == len(dataset.documents) == len(dataset.metadatas)
    assert len(set(dataset.ids)) == len(dataset)
    assert len(set(dataset.documents)) == len(dataset)


def test_banking77_is_the_published_training_split_and_stays_small(banking):
    intents = [metadata["intent"] for metadata in banking.metadatas]
    assert len(banking) == 10_003
    assert len(set(intents)) == 77
    assert banking.documents[0] == "I am still waiting on my card?"
    assert intents[0] == "card_arrival"
    assert banking.ids[-1] == "bank-10003"
    assert len({" ".join(text.split()) for text in banking.documents}) == 9_999
    digest = hashlib.sha256("\0".join(banking.documents).encode()).hexdigest()
    assert digest == "32a82b2ff27924cbaf5ffa343151677d05ba3b7788fadc16146c6a7e74ab3aff"
    packed = files("chromalab.datasets").joinpath("banking77.jsonl.gz").read_bytes()
    assert len(packed) < 200_000


def test_banking77_names_its_authors_and_its_license(banking):
    assert banking.license == "CC-BY-4.0"
    assert "Casanueva" in banking.source
    assert "https://arxiv.org/abs/2003.04807" in banking._repr_html_()
    notice = files("chromalab.datasets").joinpath("README.md").read_text(encoding="utf-8")
    assert "https://creativecommons.org/licenses/by/4.0/" in notice


def test_there_are_twelve_facts_on_each_of_eight_topics(facts):
    assert len(facts) == 96
    topics = Counter(metadata["topic"] for metadata in facts.metadatas)
    assert set(topics.values()) == {12}
    assert len(topics) == 8


def test_each_fact_is_one_sentence_of_60_to_160_characters(facts):
    for document in facts.documents:
        assert 60 <= len(document) <= 160, document
        assert document.endswith("."), document
        assert ". " not in document, document


def test_each_fact_has_its_topic_in_its_id_and_its_year_in_its_text(facts):
    years = 0
    for id_, document, metadata in zip(facts.ids, facts.documents, facts.metadatas, strict=True):
        assert re.fullmatch(rf"{metadata['topic']}-\d\d", id_)
        assert set(metadata) <= {"topic", "year"}
        if "year" in metadata:
            years += 1
            assert type(metadata["year"]) is int
            assert str(metadata["year"]) in document
    assert 30 <= years < 96


def test_every_query_has_one_to_four_existing_facts_as_answers(facts):
    assert len(facts.queries) == 16
    for query in facts.queries:
        assert 1 <= len(query.relevant) <= 4
        assert len(set(query.relevant)) == len(query.relevant)
        assert set(query.relevant) <= set(facts.ids)


def test_each_topic_has_two_queries(facts):
    topics = Counter(query.relevant[0].rsplit("-", 1)[0] for query in facts.queries)
    assert topics == dict.fromkeys({metadata["topic"] for metadata in facts.metadatas}, 2)


def test_each_query_shares_at_most_one_long_word_with_each_answer(facts):
    texts = dict(zip(facts.ids, facts.documents, strict=True))
    for query in facts.queries:
        for id_ in query.relevant:
            assert len(long_words(query.text) & long_words(texts[id_])) <= 1, (query.text, id_)


def test_the_joined_passages_contain_all_words_of_the_speech(speech):
    text = files("chromalab.datasets").joinpath("speech.txt").read_text(encoding="utf-8")
    assert " ".join(speech.documents).split() == text.split()
    assert len(text.split()) == 8468


def test_all_passages_except_the_last_have_60_to_100_words(speech):
    words = [len(document.split()) for document in speech.documents]
    assert min(words[:-1]) >= 60
    assert max(words) <= 100
    assert [metadata["words"] for metadata in speech.metadatas] == words


def test_each_passage_ends_at_the_end_of_a_sentence(speech):
    for document in speech.documents:
        assert re.search(r"[.!?][\u201d\u2019)]*$", document), document[-40:]
        assert not re.search(r"\b(Mr|MR|Dr|U\.S|v)\.$", document), document[-40:]


def test_passages_are_numbered_from_one(speech):
    assert speech.ids[0] == "speech-001"
    assert speech.ids[-1] == f"speech-{len(speech):03d}"
    assert [m["passage"] for m in speech.metadatas] == list(range(1, len(speech) + 1))
    assert all(first < second for first, second in pairwise(speech.ids))


def test_a_sentence_longer_than_a_passage_stays_whole():
    assert list(passages("word " * 150 + "end.\nShort one.")) == [
        " ".join(["word"] * 150 + ["end."]),
        "Short one.",
    ]


def test_a_paragraph_that_breaks_off_continues_in_the_next():
    text = "One two " * 40 + "they went up —\nsays who?\n" + "And so on. " * 20
    assert next(passages(text)).endswith("they went up — says who?")


def test_an_empty_text_has_no_passages():
    assert list(passages(" \n\n")) == []


def test_an_unknown_name_raises_an_error_with_a_suggestion_and_all_names():
    with pytest.raises(errors.NotFoundError) as caught:
        datasets.load("fact")
    assert str(caught.value) == (
        "No dataset 'fact'. Did you mean 'facts'? Datasets: banking77, facts, speech."
    )


def test_a_loaded_dataset_is_frozen_and_an_independent_copy(facts):
    with pytest.raises(dataclasses.FrozenInstanceError):
        facts.name = "mine"
    facts.metadatas[0]["topic"] = "changed"
    assert datasets.load("facts").metadatas[0]["topic"] == "astronomy"


def test_repr_is_one_line(facts, speech):
    assert repr(facts) == "Dataset('facts': 96 documents, 16 queries, CC0-1.0)"
    assert repr(speech) == "Dataset('speech': 113 documents, 0 queries, public domain)"


def test_html_shows_five_rows_and_the_total(facts):
    html = facts._repr_html_()
    assert "5 of 96 shown" in html
    assert html.count("<tr>") == 1 + 5
    assert "astronomy-05" in html
    assert "astronomy-06" not in html


def test_html_escapes_all_text():
    evil = "<script>alert('x')</script>"
    html = datasets.Dataset(
        name=evil,
        description=evil,
        license=evil,
        source=evil,
        ids=(evil,),
        documents=(evil,),
        metadatas=({evil: evil},),
        queries=(Query(evil, (evil,)),),
    )._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;") == 12
    assert "1 of 1 shown" in html


def test_html_marks_shortened_documents(speech):
    assert speech._repr_html_().count("…</td>") == 5


def test_df_has_one_row_per_document_and_integer_years(facts):
    pd = pytest.importorskip("pandas")
    frame = facts.df()
    assert list(frame.columns) == ["id", "document", "topic", "year"]
    assert tuple(frame["id"]) == facts.ids
    assert tuple(frame["document"]) == facts.documents
    assert frame["year"].dtype == pd.Int64Dtype()
    assert frame["year"].isna().sum() == sum("year" not in m for m in facts.metadatas)
    assert frame.set_index("id").loc["astronomy-03", "year"] == 1610


def test_df_of_the_speech_has_plain_integer_columns(speech):
    pytest.importorskip("pandas")
    frame = speech.df()
    assert list(frame.columns) == ["id", "document", "passage", "words"]
    assert frame["words"].sum() == 8468
    assert frame["words"].dtype == "int64"


def test_df_without_pandas_raises_an_error_with_what_to_install(facts, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(errors.MissingDependencyError, match=r'pip install "chromalab\[pandas\]"'):
        facts.df()


def test_datasets_load_from_a_zip_archive_and_import_nothing_heavy(tmp_path):
    package = Path(str(files("chromalab.datasets")))
    archive = tmp_path / "chromalab.zip"
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("chromalab/__init__.py", "")
        for name in ("errors.py", "results/__init__.py", "results/tables.py"):
            bundle.write(package.parent / name, f"chromalab/{name}")
        for file in package.iterdir():
            if file.is_file():
                bundle.write(file, f"chromalab/datasets/{file.name}")
    code = (
        f"import sys; sys.path.insert(0, {str(archive)!r})\n"
        "from chromalab import datasets\n"
        "assert not {'pandas', 'numpy', 'IPython'} & set(sys.modules)\n"
        "print(datasets.__file__, *map(len, map(datasets.load, datasets.names())))\n"
    )
    run = subprocess.run(
        [sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "chromalab.zip" in run.stdout
    assert run.stdout.split()[-3:] == ["10003", "96", "113"]
