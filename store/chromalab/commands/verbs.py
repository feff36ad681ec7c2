"""The one table of verbs: it makes the parser, the help, the completion, the CLI and the docs page."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from chromalab.errors import InvalidArgumentError, near
from chromalab_kernel import actions
from chromalab_kernel.analysis_verbs import ANALYSES
from chromalab_kernel.arguments import (
    COLLECTION,
    CONTAINS,
    DRY_RUN,
    FILL,
    INCLUDE,
    JSONL,
    LIMIT,
    ORDER_BY,
    PARTS,
    WHERE,
)
from chromalab_kernel.feedback_verbs import FEEDBACK
from chromalab_kernel.label_verbs import LABELLING
from chromalab_kernel.results import Notice
from chromalab_kernel.session import Session
from chromalab_kernel.verb import Argument, Verb
from chromalab_kernel.widget_verbs import WIDGETS

__all__ = ["VERBS", "overview"]


def overview() -> str:
    """Say what `%chroma help` and `%chroma?` say: the syntax, then every verb with its examples."""
    verbs = "\n\n".join(
        "\n".join(
            [f"  {verb.name:<12} {verb.summary}", *(f"      {line}" for line in verb.examples)]
        )
        for verb in VERBS.values()
    )
    return (
        "%chroma                                         the panel; a text where there is no notebook\n"
        "%chroma VERB [COLLECTION] [ARGS] [--flags]\n"
        "%%chroma [NAME <<] VERB [COLLECTION] [--flags]   with texts in the body\n\n"
        f"{verbs}\n\n"
        "  :name gives a Python variable; NAME << keeps the result, NAME= << also shows it.\n"
        "  More on one: %chroma help VERB"
    )


def _help(session: Session, arguments: SimpleNamespace) -> Notice:
    if arguments.verb is None:
        return Notice(overview())
    if arguments.verb not in VERBS:
        raise InvalidArgumentError(
            f"Unknown verb {arguments.verb!r}. {near(arguments.verb, VERBS, what='Verbs', limit=20)}"
        )
    return Notice(VERBS[arguments.verb].help_text)


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb(
            "connect",
            "Open a store, or go back to one that is open.",
            "chromalab.PersistentClient(path)",
            (
                Argument("path", "The folder, or :name of a client.", "any", optional=True),
                Argument("--as", "The name of this connection.", choices=lambda s: list(s.names)),
                Argument("--ephemeral", "A new store that is gone when Python ends.", "switch"),
            ),
            ("%chroma connect ./papers.chroma --as work", "%chroma connect --as work"),
            actions.connect,
        ),
        Verb(
            "collections",
            "List the collections of the store.",
            "client.list_collections()",
            (),
            ("%chroma collections", "found = %chroma collections"),
            actions.collections,
        ),
        Verb(
            "create",
            "Make a collection.",
            "client.create_collection(name, ...)",
            (
                Argument("collection", "Its name."),
                Argument(
                    "--model",
                    "The embedding function, or :name of one.",
                    "any",
                    choices=actions.models_known,
                    setting="model",
                ),
                Argument("--metric", "The distance.", choices=actions.spaces),
                Argument("--get-or-create", "One that exists is fine.", "switch"),
                DRY_RUN,
            ),
            (
                "%chroma create papers --model minilm --metric cosine",
                "%chroma create papers --get-or-create",
            ),
            actions.create,
        ),
        Verb(
            "add",
            "Add documents; those whose id is there already are skipped.",
            "collection.add_from(data, ...)",
            (
                COLLECTION,
                Argument(
                    "source",
                    "One text, or :name of a DataFrame, a data set or a list.",
                    "texts",
                    optional=True,
                ),
                Argument("--text", "The column of the documents."),
                Argument("--id", "The column of the ids; else an id is made of the text."),
                Argument(
                    "--meta", "The columns of the metadata; all others, unless said.", "words"
                ),
                Argument("--batch-size", "Records written together.", "int"),
                JSONL,
                FILL,
                DRY_RUN,
            ),
            (
                "%chroma add papers :df --text abstract --id doi --meta year,venue",
                '%chroma add notes "Tea is a drink."',
            ),
            actions.add,
            body="documents, with an empty line between two",
        ),
        Verb(
            "query",
            "Find the nearest documents.",
            "collection.query(query_texts=..., n_results=...)",
            (
                COLLECTION,
                Argument(
                    "query",
                    "The question, or :name of a text, a list or an array of vectors.",
                    "texts",
                    optional=True,
                ),
                Argument("--n-results", "How many.", "int", short="-k", setting="k"),
                WHERE,
                CONTAINS,
                replace(INCLUDE, choices=lambda _: [*PARTS, "distances"]),
                Argument(
                    "--transform", "What it goes through, unless the live one; or none.", "any"
                ),
                JSONL,
                FILL,
            ),
            (
                '%chroma query papers "code search" -k 5 --where "year >= 2020"',
                "hits = %chroma query papers :questions",
            ),
            actions.query,
            body="queries, with an empty line between two",
        ),
        Verb(
            "get",
            "Read records by id or condition.",
            "collection.get(ids=..., where=...)",
            (
                COLLECTION,
                Argument("ids", "Ids, or :name of a list.", "any", many=True, optional=True),
                WHERE,
                CONTAINS,
                ORDER_BY,
                LIMIT,
                Argument("--offset", "After so many.", "int"),
                INCLUDE,
            ),
            ("%chroma get papers p1 p2", '%chroma get papers --where "year = 2024" --limit 20'),
            actions.get,
        ),
        Verb(
            "peek",
            "Look at the first records.",
            "collection.peek(limit)",
            (COLLECTION, Argument("--limit", "How many.", "int")),
            ("%chroma peek papers", "%chroma peek papers --limit 3"),
            actions.peek,
        ),
        Verb(
            "count",
            "Count the records.",
            "collection.count()",
            (COLLECTION,),
            ("%chroma count papers", "n = %chroma count papers"),
            actions.count,
        ),
        Verb(
            "delete",
            "Delete records, or a whole collection; shows what it would do unless --yes.",
            "collection.delete(ids=..., where=...)",
            (
                COLLECTION,
                Argument("ids", "Ids, or :name of a list.", "any", many=True, optional=True),
                WHERE,
                CONTAINS,
                Argument("--whole", "The collection itself, with all its records.", "switch"),
                Argument("--yes", "Do it.", "switch"),
                Argument(
                    "--dry-run",
                    "Show what it would do, which is what happens without --yes.",
                    "switch",
                ),
            ),
            ('%chroma delete papers --where "year < 1990" --yes', "%chroma delete papers --whole"),
            actions.delete,
        ),
        *ANALYSES,
        *LABELLING,
        *FEEDBACK,
        *WIDGETS,
        Verb(
            "models",
            "List the models that run on this machine, or fetch one.",
            "chromalab.embed.models(), get_model(name)",
            (
                Argument(
                    "action", "list or get.", optional=True, choices=lambda _: ["list", "get"]
                ),
                Argument("model", "Which one to get.", optional=True, choices=actions.models_local),
            ),
            ("%chroma models", "%chroma models get minilm"),
            actions.models,
            cli=True,
        ),
        Verb(
            "help",
            "Explain the verbs, or one of them.",
            "help(chromalab.Collection)",
            (Argument("verb", "Which one.", optional=True, choices=lambda _: list(VERBS)),),
            ("%chroma help", "%chroma help query"),
            _help,
            cli=True,
        ),
    )
}
"""Every verb by its name."""
