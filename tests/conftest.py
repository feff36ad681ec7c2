"""For all tests: what Hypothesis draws is the same in every run, so a red one is about the change.

`make soak` draws anew each time.
"""

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True)
if not os.environ.get("CHROMALAB_SOAK"):
    settings.load_profile("same")
