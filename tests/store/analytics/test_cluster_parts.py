"""The parts of clustering, each against brute force."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from chromalab.analytics.cluster.assembly import matched, numbered
from chromalab.analytics.cluster.leiden import choose_resolution, halves, leiden
from chromalab.analytics.cluster.levels import coarser, cut, cut_evenly, groups_of, merges
from chromalab.analytics.cluster.membership import settle, shares, strongest, weights_between


def weights(n: int, seed: int, share: float = 0.3) -> csr_matrix:
    """Make symmetric random weights with an empty diagonal."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((n, n)) * (rng.random((n, n)) < share), 1)
    return csr_matrix(upper + upper.T)


def labels(n: int, seed: int, clusters: int, noise: float = 0.2) -> NDArray[np.int32]:
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, clusters, n)
    return np.where(rng.random(n) < noise, -1, drawn).astype(np.int32)


@settings(deadline=None, max_examples=50)
@given(n=st.integers(1, 25), seed=st.integers(0, 9999), clusters=st.integers(1, 5))
def test_shares_match_brute_force(n: int, seed: int, clusters: int) -> None:
    links, groups = weights(n, seed), labels(n, seed, clusters)
    own = np.random.default_rng(seed).integers(0, 2, n).astype(float)
    dense = links.toarray()
    found = shares(links, groups, own).toarray()
    near, values = strongest(shares(links, groups, own))
    for node in range(n):
        total = dense[node].sum() + own[node]
        true = [0.0] * found.shape[1]
        for other in range(n):
            weight = dense[node, other] + (own[node] if other == node else 0)
            if total and groups[other] >= 0:
                true[groups[other]] += weight / total
        np.testing.assert_allclose(found[node], true, atol=1e-12)
        best = sorted((-value, label) for label, value in enumerate(true) if value > 0)[:3]
        np.testing.assert_allclose(
            values[node][: len(best)], [-value for value, _ in best], rtol=1e-6
        )
        assert (near[node] >= 0).sum() == len(best)


@settings(deadline=None, max_examples=50)
@given(n=st.integers(1, 30), seed=st.integers(0, 9999), clusters=st.integers(1, 5))
def test_matching_keeps_as_many_numbers_as_any_permutation(
    n: int, seed: int, clusters: int
) -> None:
    new = numbered(labels(n, seed, clusters))
    old = labels(n, seed + 1, clusters)
    ids = [f"r{row}" for row in range(n)]
    found = matched(new, ids, old, ids)
    best = max(
        (
            sum(p[a] == b for a, b in zip(new, old, strict=True) if a >= 0)
            for p in permutations(range(5))
        ),
    )
    assert ((found == old) & (found >= 0)).sum() == best
    assert len({(a, b) for a, b in zip(new, found, strict=True)}) == len(set(new.tolist()))
    assert np.array_equal(found < 0, new < 0)


@settings(deadline=None, max_examples=50)
@given(n=st.integers(4, 40), seed=st.integers(0, 9999), clusters=st.integers(1, 9))
def test_a_coarser_level_is_a_union_of_finer_clusters(n: int, seed: int, clusters: int) -> None:
    groups = numbered(labels(n, seed, clusters, noise=0))
    count = int(groups.max()) + 1
    tree = merges(*weights_between(weights(n, seed), groups, count))
    assert np.all(np.diff(tree[:, 2]) <= 0)
    finer = groups_of(tree, cut(tree, count))
    assert finer.tolist() == list(range(count))
    for wanted in range(count, 0, -1):
        level = groups_of(tree, cut(tree, wanted))
        assert len(set(level.tolist())) == wanted
        assert all(len(set(level[finer == group].tolist())) == 1 for group in set(finer.tolist()))
        finer = level


@settings(deadline=None, max_examples=50)
@given(n=st.integers(4, 30), seed=st.integers(0, 9999), clusters=st.integers(2, 6))
def test_merges_match_brute_force(n: int, seed: int, clusters: int) -> None:
    groups = numbered(labels(n, seed, clusters, noise=0))
    count = int(groups.max()) + 1
    links = weights(n, seed, share=0.9)
    tree = merges(*weights_between(links, groups, count))
    dense = links.toarray()
    parts = [np.flatnonzero(groups == group) for group in range(count)]
    heights = []
    while len(parts) > 1:
        near = {
            (a, b): dense[np.ix_(parts[a], parts[b])].sum()
            * dense.sum()
            / max(dense[parts[a]].sum() * dense[parts[b]].sum(), 1e-30)
            for a in range(len(parts))
            for b in range(a)
        }
        (a, b), height = max(near.items(), key=lambda item: item[1])
        # Of equal pairs either may merge first, and all later merges depend on it.
        assume(sum(other > height * (1 - 1e-9) for other in near.values()) == 1)
        heights.append(height)
        parts[b] = np.concatenate([parts[b], parts[a]])
        del parts[a]
    np.testing.assert_allclose(tree[:, 2], heights, rtol=1e-6, atol=1e-9)


def antichains(tree, node):
    """List all ways to cut a part of the tree, each as the nodes that stay whole."""
    count = len(tree) + 1
    yield [node]
    if node >= count:
        left, right = tree[node - count, :2].astype(int)
        for one in antichains(tree, left):
            for other in antichains(tree, right):
                yield one + other


@settings(deadline=None, max_examples=50)
@given(n=st.integers(8, 40), seed=st.integers(0, 9999), clusters=st.integers(2, 7), data=st.data())
def test_an_even_cut_has_the_highest_modularity_of_all_cuts(n, seed, clusters, data) -> None:
    groups = numbered(labels(n, seed, clusters, noise=0))
    count = int(groups.max()) + 1
    assume(count > 1)
    tree = merges(*weights_between(weights(n, seed), groups, count))
    sizes = np.bincount(groups)
    below = [[leaf] for leaf in range(count)]
    gain = [0.0] * count
    for left, right, resolution in tree:
        one, other = below[int(left)], below[int(right)]
        both = sizes[one].sum() * sizes[other].sum() / n**2
        gain.append(gain[int(left)] + gain[int(right)] + 2 * both * (resolution - 1))
        below.append(one + other)
    wanted = data.draw(st.integers(1, count))
    cuts = [cut for cut in antichains(tree, 2 * count - 2) if len(cut) == wanted]
    found = groups_of(tree, cut_evenly(tree, sizes, wanted))
    assert len(set(found.tolist())) == wanted
    parts = {frozenset(np.flatnonzero(found == group).tolist()) for group in found.tolist()}
    nodes = [node for node, own in enumerate(below) if frozenset(own) in parts]
    assert len(nodes) == wanted
    best = max(sum(gain[node] for node in cut) for cut in cuts)
    assert sum(gain[node] for node in nodes) == pytest.approx(best)


def test_weights_between_clusters_are_summed() -> None:
    links = csr_matrix(np.array([[0, 1, 2], [1, 0, 0], [2, 0, 0.0]]))
    sums, degrees = weights_between(links, np.array([0, 1, -1], dtype=np.int32), 2)
    assert sums.tolist() == [[0, 1], [1, 0]]
    assert degrees.tolist() == [3, 1]


def test_small_communities_join_the_cluster_of_their_neighbors() -> None:
    links = csr_matrix(
        np.array(
            [[0, 2, 0, 0, 0], [2, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0.0]]
        )
    )
    found = settle(
        links,
        np.array([0, 0, 1, 2, 3], dtype=np.int32),
        np.array([1, 1, 1, 1, 9]),
        np.array([0, 0, 0, 0, 16.0]),
        smallest=2,
        noise=0.1,
    )
    assert found.tolist() == [
        0,
        0,
        0,
        -1,
        1,
    ]  # the fourth has no neighbors, the last has duplicates


def test_leiden_is_reproducible_and_halves_share_no_edge() -> None:
    links = weights(200, 1, share=0.1)
    assert np.array_equal(leiden(links, 2.0, random_state=3), leiden(links, 2.0, random_state=3))
    one, other = halves(links, 0)
    assert one.multiply(other).nnz == 0
    assert abs(one + other - links).max() == 0


def test_the_chosen_resolution_finds_planted_groups_and_the_search_ends_early() -> None:
    rng = np.random.default_rng(0)
    group = np.arange(600) // 30
    drawn = rng.random((600, 600)) < np.where(group[:, None] == group, 0.5, 0.01)
    upper = np.triu(drawn, 1).astype(float)
    links = csr_matrix(upper + upper.T)
    found = choose_resolution(links)
    partition = leiden(links, found.resolution)
    assert partition.max() + 1 == 20
    assert len(found.tried) == len(found.stability) == len(found.n_clusters) < 12
    assert max(found.stability) > 0.9


@pytest.mark.parametrize(("count", "levels"), [(0, (0,)), (1, (1,)), (3, (3,)), (4, (4, 2))])
def test_levels_halve_down_to_two(count: int, levels: tuple[int, ...]) -> None:
    assert coarser(count) == levels
