"""Records the results of chromadb for the scenarios: `make contract`.

This requires chromadb (the `bench` group). Run it again when the contract moves to a newer version of
Chroma, and review the diff.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path


def main() -> None:
    """Run all scenarios and write the results to a JSON file in this folder."""
    import chromadb
    import chromadb.utils.embedding_functions
    import scenarios_collections
    import scenarios_filters
    import scenarios_selecting
    import scenarios_sparse
    import scenarios_tenants
    import scenarios_writing
    from script import Script

    answers = {}
    every = (
        scenarios_writing.SCENARIOS
        | scenarios_selecting.SCENARIOS
        | scenarios_collections.SCENARIOS
        | scenarios_filters.SCENARIOS
        | scenarios_tenants.SCENARIOS
        | scenarios_sparse.SCENARIOS
    )
    for name, scenario in every.items():
        with tempfile.TemporaryDirectory() as folder:
            script = Script(chromadb, chromadb.PersistentClient(folder))
            scenario(script)
        answers[name] = script.log
    file = Path(__file__).with_name(f"chroma_{chromadb.__version__.replace('.', '_')}.json")
    scenarios = ",\n".join(
        f'"{name}": [\n'
        + ",\n".join("  " + json.dumps(step, ensure_ascii=False, sort_keys=True) for step in log)
        + "\n]"
        for name, log in answers.items()
    )
    file.write_text("{\n" + scenarios + "\n}\n")
    print(f"{sum(map(len, answers.values()))} steps in {file.name}")


if __name__ == "__main__":
    main()
