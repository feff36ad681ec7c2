"""Renew colab-pins.txt from a list of the packages in Google Colab.

Colab publishes that list as the file pip-freeze.txt of the repository googlecolab/backend-info on
GitHub; `pip freeze` in a notebook prints the same. Only the packages that colab-pins.txt names are
kept, so to add one, add its name there first.

    python tests/environments/renew_colab_pins.py pip-freeze.txt
"""

import datetime
import re
import sys
from pathlib import Path

PINS = Path(__file__).with_name("colab-pins.txt")


def pins(text: str) -> dict[str, str]:
    """Read the versions of a list of packages, by normalized name."""
    found = re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def renewed(old: str, frozen: str, day: datetime.date) -> str:
    """Return the text of colab-pins.txt with the versions of a new list, and its date."""
    versions, known = pins(frozen), pins(old)
    missing = [name for name in known if name not in versions]
    if missing:
        raise SystemExit(f"The list has no {', '.join(missing)}. Remove them from {PINS.name}.")
    head = re.sub(r"\d{4}-\d\d-\d\d", str(day), old.split(next(iter(known)))[0])
    return head + "".join(f"{name}=={versions[name]}\n" for name in sorted(known))


if __name__ == "__main__":
    PINS.write_text(renewed(PINS.read_text(), Path(sys.argv[1]).read_text(), datetime.date.today()))
