"""The bundles that npm builds, and the manifest by which the build hook knows that they exist."""

import json
from pathlib import Path

WIDGETS = Path(__file__).parents[2] / "widgets"


def test_the_manifest_lists_the_bundles_of_every_widget():
    static = WIDGETS / "chromalab_widgets" / "static"
    entries = [
        path.stem for path in (WIDGETS / "src").glob("*/*.ts") if path.stem == path.parent.name
    ]
    bundles = sorted(f"{name}.{kind}" for name in entries for kind in ("js", "css"))
    assert json.loads((static / "bundles.json").read_text()) == bundles
    assert all((static / name).is_file() for name in bundles)
