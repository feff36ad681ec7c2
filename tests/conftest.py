"""Settings of all tests: Hypothesis generates the same examples in every run, so a failure is due to a change.

`make soak` generates new examples each time.
"""

import os

from hypothesis import settings

settings.register_profile("same", derandomize=True)
if not os.environ.get("CHROMALAB_SOAK"):
    settings.load_profile("same")
