"""The topics of a clustering: words, names and documents that set its clusters apart."""

from chromalab.analytics.topics.result import Topic, Topics
from chromalab.analytics.topics.topics import topics

__all__ = ["Topic", "Topics", "topics"]
