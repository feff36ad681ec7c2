"""What all widgets share: requests from the browser, bundles, the selection, filters and text."""

__all__: list[str] = []
