"""Wide areas and names of topics, with their defaults, compared with the usual ways to make them.

    python benchmarks/areas.py --vectors FOLDER --write

Wide areas are compared with known domains. Nothing was chosen by the domains of TREC, of the glosses, or
of the vectors of WordLlama; the way to cut the hierarchy was chosen on banking77 with MiniLM.
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from alone import Meter
from analytics import machine
from analytics_cases import Table
from numpy.typing import NDArray
from scores import clustering
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer
from tables import write
from texts import embed, embedded, read, vectors

from chromalab.analytics import Clusters, cluster, topics
from chromalab.analytics.topics.tokens import tokens
from chromalab.snapshot import Snapshot

DOMAINS = {
    "getting a card": """card_arrival card_delivery_estimate order_physical_card getting_spare_card
        card_about_to_expire activate_my_card card_linking visa_or_mastercard""",
    "virtual cards": """getting_virtual_card get_disposable_virtual_card disposable_card_limits
        virtual_card_not_working""",
    "PIN and passcode": "change_pin pin_blocked get_physical_card passcode_forgotten",
    "lost and stolen": "lost_or_stolen_card lost_or_stolen_phone compromised_card card_swallowed",
    "card payments": """card_payment_fee_charged card_payment_not declined_card_payment
        card_payment_wrong_exchange_rate pending_card_payment reverted_card_payment?
        transaction_charged_twice extra_charge_on_statement direct_debit_payment_not
        contactless_not_working card_not_working card_acceptance Refund_not_showing_up request_refund""",
    "cash": """atm_support cash_withdrawal_charge cash_withdrawal_not declined_cash_withdrawal
        pending_cash_withdrawal wrong_amount_of_cash_received
        wrong_exchange_rate_for_cash_withdrawal""",
    "transfers": """beneficiary_not_allowed cancel_transfer declined_transfer failed_transfer
        pending_transfer transfer_fee_charged transfer_into_account transfer_timing receiving_money
        transfer_not_received_by_recipient balance_not_updated_after_bank_transfer""",
    "top-ups": """automatic_top_up pending_top_up top_up_by_bank_transfer_charge top_up_by_card_charge
        top_up_by_cash_or_cheque top_up_failed top_up_limits top_up_reverted topping_up_by_card
        verify_top_up balance_not_updated_after_cheque_or_cash_deposit apple_pay_or_google_pay
        supported_cards_and_currencies""",
    "currencies": "exchange_charge exchange_rate exchange_via_app fiat_currency_support",
    "the account": """unable_to_verify_identity verify_my_identity verify_source_of_funds
        why_verify_identity age_limit edit_personal_details terminate_account country_support""",
}
"""The beginnings of the 77 intents of banking77 in ten domains, grouped by what the questions are about."""

_GLOSSES = ("animal", "plant", "food", "body", "person", "location", "artifact", "act")
_PER_CLASS = 400
_SEEDS = 5  # KMeans runs, whose mean is reported
_READ = 5000  # characters of a text, when the words of names are looked up

# Words of scikit-learn's list that mean something, or are part of "top up".
_MEANINGFUL = {
    *("amount", "bill", "bottom", "call", "computer", "con", "cry", "describe", "detail", "fill"),
    *(
        "find",
        "fire",
        "found",
        "full",
        "interest",
        "last",
        "less",
        "move",
        "name",
        "serious",
        "show",
    ),
    *("side", "system", "thick", "thin", "three", "top", "twenty", "forty", "up", "empty", "cant"),
}
_OTHERS = """die der das ist und ich habe meine eine nicht wo wie le la les de des est une mon ma je j'ai et
    el los que un und"""
FUNCTION_WORDS = (ENGLISH_STOP_WORDS - _MEANINGFUL) | set(_OTHERS.split())


def domains(folder: Path) -> Iterator[tuple[str, NDArray[np.float32], list[str]]]:
    """Yield sets of texts with known domains: a name, the vectors, and the domain of each text."""
    domain = {
        intent: name
        for intent in set(read("banking77").labels["intent"])
        for name, own in DOMAINS.items()
        if intent.startswith(tuple(own.split()))
    }
    for model in ("MiniLM", "WordLlama"):
        for name, rows in (("banking77", None), ("trec", None), ("glosses", 10_000)):
            embed(None, folder, name, model, rows)
        bank = [domain[intent] for intent in read("banking77").labels["intent"]]
        yield f"banking77, {model}", vectors(folder, "banking77", model), bank
        coarse = read("trec").labels["coarse"]
        yield f"trec, {model}", vectors(folder, "trec", model), coarse
        kinds = np.array(read("glosses", 10_000).labels["lexname"])
        rng = np.random.default_rng(0)
        rows = [
            rng.permutation(np.flatnonzero(kinds == f"noun.{kind}"))[:_PER_CLASS]
            for kind in _GLOSSES
        ]
        chosen = np.sort(np.concatenate(rows))
        x = vectors(folder, "glosses", model, 10_000)[chosen]
        yield f"glosses of 8 kinds of nouns, {model}", x, kinds[chosen].tolist()


def areas(folder: Path) -> Table:
    """Compare wide areas with the known domains, with as many areas as there are domains."""
    table = Table(["texts", "domains", "clusters", "system", "ARI", "AMI", "largest", "smallest"])
    for name, x, truth in domains(folder):
        k = len(set(truth))
        found = cluster(x, progress=False)
        k_means = [KMeans(k, n_init=1, random_state=seed).fit(x).labels_ for seed in range(_SEEDS)]
        systems: dict[str, list[Any]] = {"KMeans, true k, mean of 5 seeds": k_means}
        if found.n_clusters > k:
            systems["at(true k)"] = [found.at(n_clusters=k).labels]
            systems["areas(true k)"] = [found.areas(k).labels]
        if found.n_clusters > 10 and k != 10:
            systems["areas(), the default"] = [found.areas().labels]
        for system, labels in systems.items():
            scores = [clustering(own, truth) for own in labels]
            sizes = [np.bincount(own[own >= 0]) / len(own) for own in labels]
            table.add(
                f"{name}, {len(x):,}",
                str(k),
                str(found.n_clusters),
                system,
                float(np.mean([score["ari"] for score in scores])),
                float(np.mean([score["ami"] for score in scores])),
                f"{np.mean([own.max() for own in sizes]):.0%}",
                f"{np.mean([own.min() for own in sizes]):.1%}",
            )
    return table


def messy() -> list[str]:
    """Mix 2,400 texts of three sets, 600 in four other languages, and two texts of 300,000 characters."""
    drawn = random.Random(0)
    texts = [
        text
        for name, rows, count in (
            ("banking77", None, 1200),
            ("trec", None, 600),
            ("glosses", 10_000, 600),
        )
        for text in drawn.sample(read(name, rows).texts, count)
    ]
    foreign = [
        ["ich habe meine Karte verloren", "wo ist meine Karte", "wie lange dauert die Überweisung"],
        ["der Geldautomat hat die Karte behalten", "wie wird das Wetter morgen in Berlin"],
        ["j'ai perdu ma carte", "où est ma carte bancaire", "le virement n'est pas arrivé"],
        ["le distributeur a gardé la carte", "quel temps fera-t-il demain à Paris"],
        ["我的信用卡丢失了", "信用卡被盗怎么办", "转账还没有到账", "如何修改密码", "今天天气很好"],
        ["クレジットカードを紛失しました", "振込がまだ届いていません", "今日の天気は晴れです"],
    ]
    for texts_of_one in foreign:
        texts += [f"{drawn.choice(texts_of_one)} {number}" for number in range(100)]
    texts.append(" ".join(drawn.choices(["word", "library", "lorem", "ipsum"], k=60_000))[:300_000])
    texts.append(" ".join(read("glosses", 10_000).texts)[:300_000])
    drawn.shuffle(texts)
    return texts


def names(folder: Path) -> Table:
    """Compare the names of the clusters, and of their wide areas, with BERTopic's way to make them."""
    table = Table(
        ["texts", "topics", "system", "with a function word", "NPMI", "in texts of the topic"]
    )
    sets: dict[str, tuple[NDArray[np.float32], list[str]]] = {}
    for name in ("banking77", "trec"):
        sets[name] = vectors(folder, name, "MiniLM"), read(name).texts
    sets["messy"] = embedded(folder, messy(), "WordLlama"), messy()
    for name, (x, texts) in sets.items():
        words = [set(tokens(text[:_READ])) for text in texts]
        fine = cluster(Snapshot.of(x, documents=texts), progress=False)
        for kind, found in {"clusters": fine, "wide areas": fine.areas()}.items():
            systems = {
                "chromalab": [topic.name.split(", ") for topic in topics(found)],
                "c-TF-IDF": _class_tf_idf(found, texts, None),
                "c-TF-IDF without English stop words": _class_tf_idf(found, texts, "english"),
            }
            for system, made in systems.items():
                bad = [any(set(tokens(part)) & FUNCTION_WORDS for part in own) for own in made]
                within = [
                    np.mean(
                        [
                            set(tokens(part)) <= words[row]
                            for row in np.flatnonzero(found.labels == label)
                        ]
                    )
                    for label, own in zip(found.numbers, made, strict=True)
                    for part in own
                ]
                table.add(
                    f"{name}, {len(texts):,}",
                    f"{found.n_clusters} {kind}",
                    system,
                    f"{np.mean(bad):.1%}",
                    _coherence(made, words),
                    f"{np.mean(within):.0%}",
                )
    return table


def _class_tf_idf(found: Clusters, texts: Sequence[str], stop_words: str | None) -> list[list[str]]:
    """Return the three heaviest words of each cluster, as in BERTopic's `ClassTfidfTransformer`."""
    of_cluster = [
        " ".join(texts[row] for row in np.flatnonzero(found.labels == label))
        for label in found.numbers
    ]
    counter = CountVectorizer(stop_words=stop_words)
    counts = counter.fit_transform(of_cluster).toarray().astype(float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    weights = share * np.log1p(counts.sum(axis=1).mean() / counts.sum(axis=0))
    vocabulary = counter.get_feature_names_out()
    return [vocabulary[np.argsort(-own)[:3]].tolist() for own in weights]


def _coherence(made: list[list[str]], words: list[set[str]]) -> float:
    """Return the mean normalized pointwise mutual information of the words of a name.

    Bouma 2009, "Normalized (pointwise) mutual information in collocation extraction"; over all pairs of
    words in a name that occur, by the texts that they occur in.
    """
    known = {word for own in made for part in own for word in tokens(part)}
    rows: dict[str, set[int]] = {word: set() for word in known}
    for row, own in enumerate(words):
        for word in own & known:
            rows[word].add(row)
    scores = []
    for own in made:
        listed = dict.fromkeys(word for part in own for word in tokens(part) if rows[word])
        pairs = []
        for one, other in itertools.combinations(listed, 2):
            both = len(rows[one] & rows[other]) / len(words)
            chance = len(rows[one]) * len(rows[other]) / len(words) ** 2
            pairs.append(-1.0 if both == 0 else np.log(both / chance) / -np.log(both))
        scores += [np.mean(pairs)] if pairs else []
    return float(np.mean(scores))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=Path, help="a folder to cache the vectors in")
    parser.add_argument("--write", action="store_true", help="write the tables to README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.vectors or Path(made)
        for name, case in {"areas": areas, "names": names}.items():
            with Meter() as meter:
                lines = case(folder).lines()
            text = "\n".join([f"`python benchmarks/areas.py`: {machine()}", "", *lines])
            print(f"{text}\n\n{meter.cpu:.0f} CPU s", flush=True)
            if options.write:
                write(f"areas.py {name}", text)


if __name__ == "__main__":
    main()
