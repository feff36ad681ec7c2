"""The settled terms: American spelling, one word per thing, and plain phrases instead of habits."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# Each line is a discouraged pattern, the settled term, and an example that the pattern must match.
SPELLING = [
    (r"neighbour", "neighbor", "true_neighbours"),
    (r"colour", "color", "recoloured"),
    (r"judgement", "judgment", "Judgements"),
    (r"labell(?:ed(?!by)|ing|er)", "labeled, labeling", "unlabelled"),
    (r"cancell(?:ed|ing)", "canceled, canceling", "cancelled"),
    (r"modell(?:ed|ing)", "modeled, modeling", "modelling"),
    (r"(?:behavi|fav|hon)our", "behavior, favor, honor", "behaviour"),
    (r"catalogue", "catalog", "catalogues"),
    (r"licence", "license", "Licence"),
    (r"analys(?:e|ed|er|ing)\b", "analyze", "analysed"),
    (r"centre", "center", "k-centre"),
    (r"(?<!--md-)\bgrey", "gray", "greyed"),
    (
        r"(?:general|initial|maxim|minim|normal|optim|organ|parallel|random|recogn|serial|summar"
        r"|token|util|vector|visual)is(?:e|ed|es|er|ers|ing|ation)\b",
        "-ize, -ization",
        "normalisation",
    ),
    (r"\bartefact", "artifact", "artefacts"),
    (r"\bwhilst\b", "while", "whilst"),
    (r"\blearnt\b", "learned", "learnt"),
]
NAMES = [
    (r"\bmoment\(\)|\bMoment\b", "snapshot(), SnapshotData", "engine.moment()"),
    (r"\b[Ll]ens(?:es)?\b", "record transform", "a lens"),
    (r"\b[Ss]earcher\b", "search panel, SearchPanel", "collection.searcher()"),
    (r"\bhonesty\b|\brecall15\b", "neighbor_recall", 'color="honesty"'),
    (r"\blive transform|transform=[\"']live", "active transform", 'transform="live"'),
    (r"\bkeepers?\b", "representative", "the keeper"),
    (r"\bwhole numbers?\b", "integer", "a whole number"),
]
PHRASES = [
    (r"\banew\b", "again, re-...", "made anew"),
    (
        r"\b(?:an?|one|two|\d+)\s+(?!(?:against|as|at|by|for|from|in|is|of|on|over|than|to|with)\b)\w+\s+an?"
        r"\s+(?:class|cluster|collection|column|document|file|machine|pair|process|query|record|row"
        r"|text|topic|vector)\b(?!\s+(?:is|has|can|may|that))",
        "per",
        "a row a record",
    ),
    (r"\bunless\s+(?:said|told)\b", "by default", "3, unless said"),
    (r"\bso\s+many\b(?!\s+\w*\s*that)", "at most n", "after so many"),
    (r"\bfrom\s+\d+\s+on\b", "at least n", "from 1 on"),
    (
        r"(?<![Tt]here)(?<!\s)\s+is\s+no\s+(?!longer|larger|smaller|higher|lower|newer|older|more|less|better|worse)\w",
        "is not a",
        "that is no list",
    ),
    (r"\b(?:is|are|was|were)\s+told\b", "is reported, is shown", "which is told of"),
    (r"\b(?:somebody|nobody|whoever)\b", "the passive, or the thing itself", "whoever asks next"),
    (
        r"\b(?:no|not|cannot|never)\b[^.\n]{0,60}\bany\s+more\b",
        "anymore",
        "that no record has any more",
    ),
    (
        r"\b(?:take|takes|took|taken|taking)\b[^.\n]{0,30}\binto\s+use\b",
        "put into use, switch to",
        "takes the file into use",
    ),
    (r"\b(?:half-way|[Ss]et-up)\b", "halfway, setup", "the set-up"),
    (r"\bha(?:s|ve)\s+got\b", "has", "how far it has got"),
    (r"\bstands\b(?!\s+(?:for|out|up|by))", "is, appears, is stored", "where it stands"),
]
IN_CODE = [
    (r"[;,] found \{", "; got {value}", 'f"n must be 3; found {n}"'),
    (r"[\"'; ]found (?:a|an|no) ", "; got {value}", '"; found a list"'),
    (r"\S  # of (?:the |a |all )?\w", "a noun before of", "_SHARE = 0.25  # of the nodes"),
    (
        r"(?m)^ +[A-Z]\w+(?:Error|Exception): (?:a|an|the|there|it|both|no) ",
        "a capital after the name of an error",
        "        InvalidArgumentError: there is no such record.",
    ),
]

# Strings that are stored on disk keep their spelling, quoted exactly as here.
STORED = ('"judgement"', '"judgements"', "'judgement'", "'judgements'")


def files():
    """Everything that users and contributors read, without what is generated or bundled."""
    yield from (ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md"))
    for folder, endings in {
        "docs": {".md", ".py"},
        "notebooks": {".ipynb", ".py"},
        "benchmarks": {".md", ".py"},
        "store/chromalab": {".md", ".py"},
        "widgets/chromalab_widgets": {".py"},
        "widgets/src": {".ts", ".css"},
        "kernel_ext/chromalab_kernel": {".py"},
    }.items():
        yield from sorted(
            path
            for path in (ROOT / folder).rglob("*")
            if path.suffix in endings and ".ipynb_checkpoints" not in path.parts
        )


def text_of(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
    for stored in STORED:
        text = text.replace(stored, "")
    return text


def discouraged(text, table):
    for pattern, term, _ in table:
        for match in re.finditer(pattern, text, re.IGNORECASE if table is SPELLING else 0):
            yield match.start(), match[0].strip(), term


@pytest.mark.parametrize("path", list(files()), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_settled_terms_are_used(path):
    text = text_of(path)
    tables = [SPELLING, NAMES, PHRASES, *([IN_CODE] if path.suffix in (".py", ".ts") else [])]
    problems = [
        f"line {text.count(chr(10), 0, start) + 1}: {phrase!r} -> {term}"
        for table in tables
        for start, phrase, term in discouraged(text, table)
    ]
    assert not problems, f"{path.relative_to(ROOT)}: " + "; ".join(problems)


@pytest.mark.parametrize("table", [SPELLING, NAMES, PHRASES, IN_CODE])
def test_each_pattern_matches_its_example_and_not_the_settled_term(table):
    for pattern, term, example in table:
        flags = re.IGNORECASE if table is SPELLING else 0
        assert re.search(pattern, example, flags), pattern
        assert not re.search(pattern, term, flags), pattern


@pytest.mark.parametrize(
    "text",
    [
        "Several analyses of the nearest neighbors, labeled by color.",
        "There is no such file, and there\n    is no judgment of it.",
        "A collection is no longer open, and its file is no larger than before.",
        "It gives a record a label, 28 bytes per row, two in a row, 1 for a record.",
        "There are so many records that they are sampled; the heading is aria-labelledby the title.",
    ],
)
def test_plain_sentences_are_not_flagged(text):
    assert not [
        phrase for table in (SPELLING, NAMES, PHRASES) for _, phrase, _ in discouraged(text, table)
    ]
