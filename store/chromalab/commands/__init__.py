"""The commands: one table of verbs that the `%chroma` magics, the command line and the docs page share.

The room does not depend on a notebook. `chromalab_kernel` adds the magics and their completion.
"""

__all__: list[str] = []
