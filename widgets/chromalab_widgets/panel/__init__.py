"""The panel: the collections of a store."""
