"""`VERBS`, the one table of verbs. Parser, help, completion, command line and docs page are made from it."""

from __future__ import annotations

from chromalab.commands.analyses import ANALYSES
from chromalab.commands.argument import Argument
from chromalab.commands.feedback import FEEDBACK
from chromalab.commands.labels import LABELS
from chromalab.commands.records import RECORDS
from chromalab.commands.results import Notice
from chromalab.commands.search import SEARCH
from chromalab.commands.store import MODELS, STORE
from chromalab.commands.verb import Call, Verb
from chromalab.commands.widgets import WIDGETS
from chromalab.errors import InvalidArgumentError, near

__all__ = ["CHAPTERS", "VERBS", "find_verb", "overview"]


def overview() -> str:
    """Return the text of `%chroma help` and `%chroma?`: the syntax, and every verb by subject."""
    chapters = "\n\n".join(
        "\n".join([chapter, *map(_summary, verbs)]) for chapter, verbs in CHAPTERS.items()
    )
    return (
        "%chroma                                         show the open stores and their collections\n"
        "%chroma VERB [COLLECTION] [ARGS] [--flags]\n"
        "%%chroma [NAME <<] VERB [COLLECTION] [--flags]   with texts in the body of the cell\n\n"
        f"{chapters}\n\n"
        "  :name passes a Python variable. NAME << stores the result; NAME= << also shows it.\n"
        "  For the flags and examples of a verb: %chroma help VERB, or %chroma VERB?"
    )


def _summary(verb: Verb) -> str:
    return f"  {verb.name:<22} {verb.summary}"


def find_verb(name: str) -> Verb:
    """Return the verb of a name.

    Raises:
        InvalidArgumentError: There is no such verb; the message names the most similar one.

    Example:
        >>> find_verb("query").api
        'collection.query'
    """
    if name not in VERBS:
        raise InvalidArgumentError(
            f"Unknown verb {name!r}. {near(name, VERBS, what='Verbs', limit=50)}"
        )
    return VERBS[name]


def _help(call: Call) -> Notice:
    name = call.given.get("verb")
    return Notice(overview() if name is None else find_verb(name).help_text)


_HELP = Verb(
    api="help",
    short_name="help",
    summary="Explain all verbs, or one of them.",
    examples=("%chroma help", "%chroma help query"),
    takes=(
        Argument(
            name="verb",
            help="The verb to explain.",
            offers=lambda _: list(VERBS),
            is_open=True,
        ),
    ),
    cli=True,
    action=_help,
)

CHAPTERS: dict[str, tuple[Verb, ...]] = {
    "Stores and collections": STORE,
    "Records": RECORDS,
    "Searches": SEARCH,
    "Analyses": ANALYSES,
    "Labels": LABELS,
    "Feedback": FEEDBACK,
    "Widgets": WIDGETS,
    "Models and help": (MODELS, _HELP),
}
"""The verbs by subject, in the order of the help and the docs."""

VERBS: dict[str, Verb] = {verb.name: verb for verbs in CHAPTERS.values() for verb in verbs}
"""Every verb by its name."""
