"""Reviews: queues of items to decide on, one at a time."""

__all__: list[str] = []
