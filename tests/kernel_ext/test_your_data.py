"""The cells of docs/your-data.md run on a messy file, from `read_csv` to an export."""

import re
from pathlib import Path

import pandas
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "your-data.md"
TEXTS = ["my card is lost", "where is my refund", "the app shows an error", "how do I top up"]


@pytest.fixture
def cells(shell):
    """The cells of the page, in a folder with a file as they need it."""
    rows = [
        {
            "ticket": f"T{10000 + n}",
            "body": f"{TEXTS[n % 4]} after {n} days, it cost ${n}",
            "created": f"2024-0{n % 9 + 1}-01 10:00:00" if n % 7 else None,
            "priority": n % 3 + 1 if n % 5 else None,
            "resolved": bool(n % 2) if n % 6 else None,
        }
        for n in range(60)
    ]
    rows[3]["body"] = None
    rows[4]["ticket"] = None
    pandas.DataFrame([*rows, *rows[20:25]]).to_csv("tickets.csv", index=False)
    page = PAGE.read_text("utf-8")
    return re.findall(r"```text\n(.*?)```", page.partition("## What a table may be")[0], re.DOTALL)


def test_the_page_goes_from_a_file_to_a_clean_set_and_an_export(shell, cells):
    for cell in cells:
        cell = cell.replace("map tickets --topics", "map tickets --projection pca")  # in no time
        shell.run_cell(cell, store_history=False).raise_error()
    assert repr(shell.user_ns["added"]).startswith(
        "tickets: 58 added, 5 skipped (same id)\nLeft out 2 rows"
    )
    assert len(shell.user_ns["duplicates"].snapshot) == 58
    clean = pandas.read_parquet("clean.parquet")
    assert {name: clean[name].dtype.kind for name in ("created", "priority", "resolved")} == {
        "created": "M",
        "priority": "i",
        "resolved": "b",
    }
    assert clean["topic"].notna().any()
    (again,) = re.findall(r"`(%chroma upsert [^`]*)`", PAGE.read_text("utf-8"))
    shell.user_ns["df"].loc[7, "body"] = "a corrected text"
    shell.run_cell(f"again = {again} --skip-bad", store_history=False).raise_error()
    assert (shell.user_ns["again"].updated, shell.user_ns["again"].added) == (1, 0)
    kept = shell.user_ns["tickets"].get(ids=["T10007"])["metadatas"][0]
    assert "topic" in kept
