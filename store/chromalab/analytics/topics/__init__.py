"""The topics of a clustering: words, names and documents that tell its clusters apart."""

from chromalab.analytics.topics.topics import Topic, Topics, topics

__all__ = ["Topic", "Topics", "topics"]
