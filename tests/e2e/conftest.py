"""A real JupyterLab and Notebook 7 for these tests: one server per module, one browser per test."""

import importlib.util
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

_spec = importlib.util.spec_from_file_location("lab", Path(__file__).with_name("lab.py"))
lab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(lab)

expect.set_options(timeout=60_000)  # as for all other waits, for a machine that is busy


def pytest_itemcollected(item):
    """Mark the tests of this folder and run them on one worker, as each one occupies a core."""
    item.add_marker(pytest.mark.e2e)
    item.add_marker(pytest.mark.xdist_group("e2e"))
    missing = "Chromium is not installed: sudo apt-get install chromium"
    item.add_marker(pytest.mark.skipif(lab.CHROMIUM is None, reason=missing))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with lab.LabServer(tmp_path_factory.mktemp("notebooks")) as server:
        yield server


@pytest.fixture(scope="module")
def new_page(server):
    """Makes a browser that is used as a context manager."""

    @contextmanager
    def new_page():
        with sync_playwright() as playwright, lab.Page(server, playwright) as page:
            yield page

    return new_page


@pytest.fixture
def page(server):
    """A browser that must send requests only to the server."""
    with sync_playwright() as playwright, lab.Page(server, playwright) as page:
        yield page
        assert page.external == []


@pytest.fixture
def run(server, page):
    """Opens a notebook with the given cells and runs them; errors must be expected."""

    def run(*cells, app="lab", errors=False):
        page.open(server.write(*cells), app=app)
        page.run_all()
        assert errors or page.errors() == []
        return page

    return run
