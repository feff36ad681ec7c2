"""Small text datasets that are included in chromalab, for trying things without a download.

| name | content | license |
|---|---|---|
| `banking77` | 10,003 questions to a bank, each labeled with one of 77 intents | CC-BY-4.0 |
| `facts` | 96 one-sentence facts on 8 topics, 16 queries with their answers | CC0-1.0 |
| `speech` | the 2024 State of the Union address in passages of about 60-100 words | public domain |

Example:
    >>> from chromalab import datasets
    >>> datasets.names()
    ('banking77', 'facts', 'speech')
    >>> datasets.load("facts")
    Dataset('facts': 96 documents, 16 queries, CC0-1.0)
"""

from chromalab.datasets.dataset import Dataset
from chromalab.datasets.packaged import load, names

__all__ = ["Dataset", "load", "names"]
