"""Stop words: words that are as frequent everywhere, found by counting, and the function words of languages.

Counting works in any language, but needs many texts of that language on different subjects. Where
there are few, or where one topic has all of the French texts, a short list has to do.
"""

# ruff: noqa: RUF001 - Cyrillic letters are meant as such

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chromalab.snapshot import Snapshot

__all__ = ["CANDIDATES", "FUNCTION_WORDS", "cells_of", "evenly_spread"]

CANDIDATES = 300
"""The most frequent words, which may be found to be stop words; no others are."""

FUNCTION_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(words.split())
    for language, words in {
        "English": """
            a about above actually after again all already also although always am an and another any
            anyone anything are aren't around as at away be became because been before being below
            between both but by came can can't cannot come could couldn't did didn't do does doesn't
            doing don't done during each either else etc even ever every everything few for from further
            gave get gets getting give given go goes going gone got gotten had hadn't has hasn't have
            haven't having he her here hers herself him himself his how however i i'd i'll i'm i've if
            im in instead into is isn't it it's its itself just keep keeps know let like made make many
            may maybe me might mine more most much must my myself need needs neither never no
            none nor not nothing now of off often on once one ones only onto or other others our ours
            ourselves out over own per perhaps please quite rather really said same saw say says see
            seem seems seen several shall she should since so some someone something still such than
            that that's the their theirs them themselves then there there's therefore these they they're
            thing things think this those though through thus to too toward try trying under until upon
            us use used using very via want wants was wasn't way we well went were weren't what what's
            when where where's whether which while who whom whose why will with within without won't
            would wouldn't yes yet you you're your yours yourself""",
        "Dutch": """
            aan al als bij dan dat de deze die dit door dus een en er geen haar had heb hebben heeft het
            hem hij hoe hun ik in is ja je kan kunnen maar me meer mij mijn moet na naar niet nog nu of
            om ons ook op over te toch tot uit u van veel voor waar wat was we wel wie wij wil worden
            wordt zal ze zich zijn zo zonder zou""",
        "French": """
            a ai aux au avec avez avoir avons c'est ce ces cet cette comme comment d'un d'une dans de
            des du elle elles en entre es est et été être eu fait il ils j'ai je l'on la le les leur
            leurs lui ma mais me mes mon n'est ne ni nos notre nous on ont où ou par pas peu plus pour
            pourquoi puis qu'il que quel quelle quelles qui quoi sa sans se sera ses si son sont suis
            sur ta te tes ton tous tout très tu un une vers vos votre vous y""",
        "German": """
            aber alle als also am an auch auf aus bei beim bin bis bist da damit dann das dass dein dem
            den der des dich die dies diese dieser dir doch du durch ein eine einem einen einer eines er
            es euch für habe haben hat hatte hier ich ihm ihn ihnen ihr ihre im in ins ist ja kann kein
            keine können man mehr mein meine meinen meiner mich mir mit muss nach nicht noch nur ob oder
            ohne sein seine sich sie sind so über um und uns unser unter vom von vor wann war waren
            warum was weil wenn wer werden wie wieder wird wir wo wurde zu zum zur""",
        "Italian": """
            a ad agli ai al alla alle anche c'è che chi ci come con cosa così da dal dalla degli dei del
            della delle di dove due è e ed fa gli ha hai ho i il in io l'ho la le lei lo loro lui ma me
            mi mia mie mio molto ne nei nel nella no noi non o ogni per perché più può quale quando
            quanto quella quello questa questo qui se sei si sia sono sta stato su sua sul sulla suo ti
            tra tu tua tuo tutti un una uno vi voi""",
        "Polish": """
            a aby ale bo by być był było co czy dla do gdy gdzie go i ich ja jak jako jego jej jest
            jeśli już kiedy kto który która które lub ma mam mi mnie mój moja może na nad nie nic o od
            on ona oni po pod przez przy są się ta tak także tam te tego tej ten to tu tylko ty w we
            więc wszystko z za ze że""",
        "Portuguese": """
            a ao aos as à às até com como da das de dela dele depois do dos e é ela ele eles em entre
            era essa esse esta está este eu foi há isso isto já lhe mais mas me meu minha muito na nas
            nem no nos nós não o os ou para pela pelo por porque pode qual quando que quem se sem ser
            seu sua são só também te tem tenho ter tudo um uma você""",
        "Russian": """
            а без более бы был была были было быть в вам вас весь во вот все всё вы где да для до его ее
            её если есть еще ещё же за здесь и из или им их к как какая какой когда кто ли меня мне
            может мой моя мы на надо нам нас не него нет ни но ну о об он она они оно от по под после
            при про с со так там те тебя то тоже только том ты у уже чего чем что чтобы эта эти это
            этого этот я""",
        "Spanish": """
            a al algo ante así aún como cómo con cual cuál cuando cuándo cuánto de del desde donde dónde
            dos e el él ella ellos en entre era es esa ese eso esta está este esto estoy fue ha hace han
            hasta hay he la las le les lo los más me mi mis mucho muy nada ni no nos o os otra otro para
            pero por porque puede puedo que qué quién se sea ser si sí sido sin sobre solo son soy su
            sus también te tengo tiene todo todos tu tus un una uno unos y ya yo""",
        "Swedish": """
            alla än att av bara blev blir de dem den denna det detta där då du efter ej eller en ett
            från får för ha hade han har hon hur i in inte jag kan kommer man med mellan men mig min
            mina mitt mot mycket när ni nu någon något och om oss på sig sin ska skulle som så till
            under upp ut utan vad var vara varför vem vi vid vill är även åt över""",
    }.items()
}
"""The most frequent words without a meaning of their own, by language."""

_MAX_SHARE = 0.25  # as a share of the divergence of specific words
_SPECIFIC = 0.9  # the decile whose divergence is that of specific words
_MIN_DIVERGENCE = 0.05  # as a share of the largest possible divergence
_CELLS = 64
# With fewer records, cells do not separate stop words from the words of a large subject.
_MIN_RECORDS = 1000


def evenly_spread(spread: NDArray[np.float64], total: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Find the words whose distribution over groups is nearly that of all words.

    The measure is the Kullback-Leibler divergence of the two distributions, minus its expected value
    by chance, (groups - 1) / 2 times. A stop word has less than 0.25 of the divergence of specific
    words, which is the ninth decile. If that decile is close to zero, the groups are not related to the
    words, and none is found. Words rarer than the number of groups are never found.

    Divergence finds the stop words of a collection without a list (Lo, He and Ounis 2005,
    "Automatically building a stopword list for an information retrieval system"). The factor 0.25
    separates function words from other words in banking77 and in the glosses of WordNet.

    Args:
        spread: (words, groups) float64, the frequency of each word in each group.
        total: (groups,) int64, the number of words in each group.

    Returns:
        (words,) bool.
    """
    has_words = total > 0
    if has_words.sum() < 2:
        return np.zeros(len(spread), dtype=bool)
    spread, groups = spread[:, has_words], int(has_words.sum())
    times = spread.sum(axis=1)
    judged: NDArray[np.bool_] = times >= groups
    if not judged.any():
        return judged
    share = spread / np.maximum(times, 1)[:, None]
    ratio = share / (total[has_words] / total.sum())
    divergence = (share * np.log(np.where(ratio > 0, ratio, 1))).sum(axis=1)
    divergence -= (groups - 1) / (2 * np.maximum(times, 1))
    specific = float(np.quantile(divergence[judged], _SPECIFIC))
    if specific < _MIN_DIVERGENCE * np.log(groups):
        return np.zeros(len(spread), dtype=bool)
    even: NDArray[np.bool_] = judged & (divergence < _MAX_SHARE * specific)
    return even


def cells_of(snapshot: Snapshot) -> NDArray[np.int64] | None:
    """Assign each record to the nearest in direction of 64 records, evenly spaced by their first number.

    The cells take the place of topics before there are any: a word that is evenly spread over them is
    evenly spread over the clusters of any clustering. They do not depend on the order of the records.

    Returns:
        (n,) int64; None if there are too few records.
    """
    n = len(snapshot)
    if n < _MIN_RECORDS:
        return None
    order = np.argsort(snapshot.vectors[:, 0], kind="stable")
    seeds = snapshot.vectors[order[np.arange(_CELLS) * n // _CELLS]].astype(np.float32)
    norms = np.linalg.norm(seeds, axis=1, keepdims=True)
    seeds /= np.maximum(norms, np.finfo(np.float32).tiny)
    cells: NDArray[np.int64] = np.argmax(snapshot.vectors @ seeds.T, axis=1)
    return cells
