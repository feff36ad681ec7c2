import pytest
import tqdm.auto

from chromalab.results.progress import bar


@pytest.fixture
def shown(monkeypatch):
    """The bars that were made."""
    made = []

    class Kept(tqdm.auto.tqdm):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            made.append(self)

    monkeypatch.setattr(tqdm.auto, "tqdm", Kept)
    return made


def test_work_that_ends_early_is_done(shown):
    with bar("trying", "tried", True) as tell:
        tell(7, 12)
    assert (shown[0].n, shown[0].total) == (7, 7)


def fail(tell):
    tell(7, 12)
    raise ValueError("no")


def test_work_that_fails_is_not(shown):
    with pytest.raises(ValueError, match="no"), bar("trying", "tried", True) as tell:
        fail(tell)
    assert (shown[0].n, shown[0].total) == (7, 12)
