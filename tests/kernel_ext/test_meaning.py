"""What is typed is what is done: variables of functions, words in quotes, and errors for the rest."""

import numpy
import pytest

import chromalab
from chromalab import errors


def result(shell, source):
    done = shell.run_cell(source, store_history=False)
    done.raise_error()
    return done.result


@pytest.fixture
def cell(store):
    return lambda source: result(store, source)


@pytest.fixture
def error(store, capsys):
    def ask(source):
        done = store.run_cell(source, store_history=False)
        found = done.error_before_exec or done.error_in_exec
        assert isinstance(found, errors.ChromalabError), found
        return str(found)

    return ask


def test_a_variable_in_a_function_is_the_local_one(cell):
    cell("q, rows = 'global', [{'id': 'global', 'text': 'x'}]")
    cell(
        "def ask(q):\n"
        "    found = %chroma query notes :q -k 1\n"
        "    return found.queries\n"
        "def add():\n"
        "    rows = [{'id': 'local', 'text': 'x'}]\n"
        "    %chroma add notes :rows\n"
        "def fill(x):\n"
        "    return get_ipython().run_cell_magic('chroma', 'query notes -k 1 --fill', '{{x}} :q')\n"
        "def condition(y):\n"
        "    return get_ipython().run_line_magic('chroma', 'get notes --where \"year = :y\"')\n"
        "def store(q):\n"
        "    get_ipython().run_cell_magic('chroma', 'kept <<', 'query notes :q -k 1')\n"
        "def outer():\n"
        "    return ask(q)\n"
    )
    assert cell("ask('local')") == ["local"]
    assert cell("outer()") == ["global"]
    cell("add()")
    assert cell("%chroma get notes local global")["ids"] == ["local"]
    assert cell("fill('filled')").queries == ["filled :q"]
    assert cell("condition(2021)")["ids"] == ["b"]
    cell("store('passed')")
    assert cell("kept.queries") == ["passed"]
    assert cell("%chroma query notes :q -k 1").queries == ["global"]


def test_a_variable_of_an_enclosing_function_is_seen(cell, store):
    cell("q = word = 'global'")
    cell(
        "def searcher(q, word):\n"
        "    def search():\n"
        "        found = %chroma query notes :q -k 1\n"
        "        return found.queries\n"
        "    fill = lambda: get_ipython().run_cell_magic('chroma', 'query notes --fill', 'a {{ word }}')\n"
        "    def condition():\n"
        "        return [get_ipython().run_line_magic('chroma', 'count notes --where \"year >= :y\"') for y in (2020, 2021)]\n"
        "    return search, fill, condition\n"
        "search, fill, condition = searcher('enclosing', 'filled')\n"
    )
    assert cell("search()") == ["enclosing"]  # also after the enclosing function has returned
    assert cell("fill()").queries == ["a filled"]
    assert cell("condition()") == [2, 1]
    assert cell("%chroma query notes :q -k 1").queries == ["global"]
    store.run_line_magic("unload_ext", "chromalab")
    assert store.ast_transformers == []


def test_a_cell_without_a_verb_takes_its_next_line(cell, store):
    assert cell("%%chroma\nquery notes -k 1\ntea").queries == ["tea"]
    assert cell("%%chroma  # of the notes\n\n# how many\ncount notes\n") == 3
    assert cell("%%chroma hits <<\nquery notes -k 1\ntea") is None
    assert store.user_ns["hits"].queries == ["tea"]
    assert cell("%%chroma\nmore= << query notes -k 1\ntea") is store.user_ns["more"]


def test_words_in_quotes_are_texts(cell):
    cell(
        '%%chroma add notes --jsonl\n{"id": ":five", "text": "What? :What -h"}\n{"id": "1,2", "text": "x"}'
    )
    assert cell('%chroma get notes ":five" "1,2"')["ids"] == [":five", "1,2"]
    assert cell('%chroma get notes --contains ":What"')["ids"] == [":five"]
    assert cell("%chroma get notes --contains=':What'")["ids"] == [":five"]
    assert cell('%chroma query notes "--help" -k 1').queries == ["--help"]
    assert cell('%chroma query notes "-k" -k 1').queries == ["-k"]
    assert cell('%chroma query notes "tea"; # quietly').queries == ["tea"]
    assert cell("%chroma query notes \u201cgreen tea\u201d -k 1").queries == ["green tea"]
    assert cell(r'%chroma query notes "say \"hi\" now" -k1').queries == ['say "hi" now']
    assert cell("%chroma get notes --where \"kind = 'drink' or kind = ':x'\"")["ids"] == ["a"]


def test_a_list_may_have_blanks_after_its_commas(cell):
    found = cell("%chroma get notes a --include documents, embeddings")
    assert found["ids"] == ["a"]
    assert found["embeddings"].shape == (1, 2)
    assert found["metadatas"] is None
    assert cell("%chroma query notes tea --ids a , b")["ids"] == [["a", "b"]]


def test_a_value_may_start_with_a_dash(cell):
    assert cell("%chroma get notes a b --order-by -year")["ids"] == ["b", "a"]


def test_a_text_that_ends_in_a_question_mark_is_a_text_and_a_verb_asks_for_help(cell):
    cell("found = %chroma query notes tea?")
    assert cell("found.queries") == ["tea?"]
    for line in (
        "%chroma map?",
        "%chroma map??",
        "%chroma map --help",
        "%chroma -h map",
        "if 1:\n    %chroma map?",
    ):
        shown = cell(line)
        assert shown is None or repr(shown).startswith("Show the records on a map")
    assert repr(cell("%chroma map?")) == repr(cell("%chroma help map"))
    assert repr(cell("%chroma --help")) == repr(cell("%chroma help")) == repr(cell("%chroma ?"))
    assert cell("text = '''\n%chroma map?\n'''\ntext") == "\n%chroma map?\n"


class Vowels(chromalab.EmbeddingFunction):
    def __call__(self, input):
        return [[sum(text.count(vowel) for vowel in "aeiou")] for text in input]

    @staticmethod
    def name():
        return "vowels-of-a-notebook"

    def get_config(self):
        return {}

    @staticmethod
    def build_from_config(config):
        return Vowels()


def test_the_session_remembers_an_embedding_function_that_is_not_registered(cell, store, error):
    store.user_ns |= {"vowels": Vowels(), "count_a": lambda input: [[t.count("a")] for t in input]}
    cell("%chroma create sounds --model :vowels")
    cell("%chroma create letters --model :count_a")
    cell("%reload_ext chromalab")
    for name in ("sounds", "letters"):
        cell(f'%chroma add {name} "aaa"')
        assert cell(f"%chroma query {name} a -k 1")["documents"] == [["aaa"]]
    session = store.magics_manager.registry["ChromaMagic"].session
    # As after a restart of the kernel.
    session._functions.clear()
    del chromalab.embed.known_embedding_functions[Vowels.name()]
    for name, function in (("sounds", "vowels"), ("letters", "count_a")):
        again = f"%chroma create {name} --get-or-create --model :function"
        assert again in error(f'%chroma add {name} "eee"')
        cell(again.replace(":function", f":{function}"))
        cell(f'%chroma add {name} "eee"')


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("add notes df", "'df' is a variable of type DataFrame. Did you mean :df?"),
        ("query notes rows", "Did you mean :rows?"),
        ("query notes vectors", "a variable of type ndarray. Did you mean :vectors?"),
        ("get notes rows", "Did you mean :rows?"),
        ("add notes 'x' --text body --id n", "--text and --id must name columns of a table; got a text"),
        ("add notes :df", "No column for the text. Pass --text ... Columns: body, n."),
        ("add notes :df --text nobody", "No column 'nobody' for text"),
        ("add notes 'one','two'", "several go in the body of a %%chroma cell"),
        ("get notes 1,2", "ids must be separated by spaces; got '1,2'. Type 1 2"),
        ("get notes a, b", "ids must be separated by spaces; got 'a,'"),
        ("get notes :ids b", "ids must be typed, or be one variable"),
        ("get notes year >= 2020", "ids must not be a condition"),
        ("get notes year>2020", "ids must not be a condition"),
        ("get notes --where year >= 2020", '--where "year >= 2020"'),
        ("get notes --contains code search", 'Put a value that contains spaces in quotes: --contains "code search"'),
        ("get notes --include documents metadatas", "--include documents,metadatas"),
        ("get notes --include documents,", "--include ends with a comma"),
        ("get notes --include documents, --limit 3", "--include ends with a comma"),
        ("get notes --include documents,,metadatas", "without empty items"),
        ("get notes limit=5", "Type --limit 5"),
        ("query notes tea n_results=5", "Type --n-results 5"),
        ("query notes tea --limit 5", "does not take '--limit'. Did you mean '-k'?"),
        ("peek notes -k 5", "Did you mean '--limit'?"),
        ("get notes --top-k 5", "Did you mean '--limit'?"),
        ("query notes tea -k 3 -k 5", "-k was given twice"),
        ("query notes tea -k", "-k needs a value"),
        ("query notes tea -k --where", "-k needs a value; got --where"),
        ("query notes tea --where= 'year = 1'", "--where= needs a value right after the sign"),
        ("count notes --yes=no", "count does not take '--yes'"),
        ("delete notes a --yes=no", "--yes takes no value"),
        ("count notes tea", "count does not take 'tea'"),
        ("query notes tea -k :half", "-k must be an integer; got 2.5"),
        ("query notes tea -k :round", "-k must be an integer; got 2.0"),
        ("query notes tea -k :yes", "-k must be an integer; got True"),
        ("query notes tea -k 2.0", "-k must be an integer; got '2.0'"),
        ("query notes tea -k 0", "-k must be at least 1; got 0"),
        ("query notes tea --max-distance :yes", "--max-distance must be a number; got True"),
        ("connect my store.chroma", 'Put a value that contains spaces in quotes: "my store.chroma"'),
        ("connect $CHROMALAB_NOWHERE/x", "$CHROMALAB_NOWHERE, which is not an environment variable"),
        ("connect ./x --ephemeral", "Leave one of them out"),
        ("map notes --topics --labels kind", "Leave one of them out"),
        ("models list minilm", "Type models get minilm"),
        ("get notes :my-id", "Put a text that starts with a colon in quotes"),
        ("get notes :nope", 'type ":nope" in quotes'),
        ("get notes --include :nope,b", "takes a variable in place of the whole list"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_an_error_that_says_what_to_type(store, error, line, message):
    import pandas

    store.user_ns |= {
        "df": pandas.DataFrame({"n": [1], "body": ["x"]}),
        "rows": ["x"],
        "ids": ["a"],
        "vectors": numpy.eye(2),
        "half": 2.5,
        "round": 2.0,
        "yes": True,
    }
    assert message in error(f"%chroma {line}")


def test_a_path_may_have_an_environment_variable(cell, tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMALAB_HERE", str(tmp_path))
    cell("%chroma connect $CHROMALAB_HERE/one.chroma")
    cell('%chroma connect "$CHROMALAB_HERE two.chroma"')
    assert (tmp_path / "one.chroma").is_dir()
    assert (tmp_path / "$CHROMALAB_HERE two.chroma").is_dir()


def test_the_collection_is_described(cell):
    assert cell("%chroma describe notes").records == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "cluster notes --method kmeans",
            "--method kmeans needs --n-clusters. Use --method leiden",
        ),
        (
            "topics notes --clusters :n",
            "--clusters must be the result of %chroma cluster notes; got",
        ),
        (
            "cluster notes --method hdbscan --n-clusters 2",
            "with .at(n_clusters=...).",
        ),  # not a verb
        ("feedback.suggest notes", "start from: %chroma feedback.suggest notes --queries ..."),
        ("transforms.rollback notes", "%chroma transforms.use notes NAME chooses one."),
        ("query notes :n", "query must be a text or vectors; got 3"),
        ("rename notes", "rename needs name. For example: %chroma rename papers articles"),
        ("rename notes notes2 --metadata x", "rename does not take '--metadata'"),
        ("upsert notes :n --update", "upsert does not take '--update'"),
        (
            "export notes notes.txt",
            "path must end with .csv, .parquet, .json or .jsonl; got 'notes.txt'",
        ),
        ("undo", "undo needs collection. Collections: notes. For example:"),
        ('query "what is tea?"', "Collection 'what is tea?' does not exist. Collections: notes."),
        ('add "Tea is a drink."', "Collection 'Tea is a drink.' does not exist."),
        (
            "cluster notes --into kind",
            "replace them: found = %chroma cluster notes, then found.into('kind', overwrite=True).",
        ),
    ],
)
def test_a_message_of_a_call_names_flags_and_commands(store, error, line, message):
    store.user_ns["n"] = 3
    assert message in error(f"%chroma {line}")


def test_a_warning_names_flags(cell):
    cell("rows = [{'id': str(n), 'text': 'x' * n, 'n': n} for n in range(1, 30)]")
    cell("%chroma upsert notes :rows")
    with pytest.warns(errors.ChromalabWarning, match=r"of --n-clusters 20 clusters were found"):
        cell("%chroma cluster notes --method kmeans --n-clusters 20 --where 'n = 1'")
