"""A progress bar is full when its work ends early, but not when it fails."""

import pytest
import tqdm

from chromalab.results.progress import bar


@pytest.fixture
def shown(monkeypatch):
    """The progress bars that were created."""
    made = []

    class RecordedBar(tqdm.tqdm):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            made.append(self)

    monkeypatch.setattr(tqdm, "tqdm", RecordedBar)
    return made


def test_a_bar_of_work_that_ends_early_is_full(shown):
    with bar("trying", "tried", True) as progress:
        progress(7, 12)
    assert (shown[0].n, shown[0].total) == (7, 7)


def fail(progress):
    progress(7, 12)
    raise ValueError("no")


def test_a_bar_of_work_that_fails_is_not(shown):
    with pytest.raises(ValueError, match="no"), bar("trying", "tried", True) as progress:
        fail(progress)
    assert (shown[0].n, shown[0].total) == (7, 12)
