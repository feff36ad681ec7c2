"""Keyword search: an inverted index of the terms of texts, and of sparse vectors.

`terms` splits texts, `postings` has the records of each term, `inverted_index` follows the writes to a
collection, and `inverted_indexes` holds what is in memory and on the disk. `scores` finds the best
records.
"""

from chromalab.engine.inverted.scores import KeywordScores, keyword_scores, sparse_scores

__all__ = ["KeywordScores", "keyword_scores", "sparse_scores"]
