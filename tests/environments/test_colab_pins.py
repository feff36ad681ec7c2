"""The bounds of our dependencies admit the versions that Colab has."""

import datetime
import importlib.util
import sys
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
_spec = importlib.util.spec_from_file_location("renew_colab_pins", HERE / "renew_colab_pins.py")
renew = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(renew)

OLD = renew.PINS.read_text()
PROJECT = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text())["project"]
OURS = [*PROJECT["dependencies"], *chain(*PROJECT["optional-dependencies"].values())]


def test_a_version_that_colab_has_satisfies_every_bound():
    pins, compared = renew.pins(OLD), []
    for requirement in map(Requirement, OURS):
        if version := pins.get(requirement.name.lower()):
            assert requirement.specifier.contains(version), requirement
            compared.append(requirement.name)
    assert {"ipython", "anywidget", "numpy", "scikit-learn"} <= set(compared)


def test_onnx_which_needs_a_newer_protobuf_is_no_dependency():
    assert "onnx" not in {Requirement(one).name for one in OURS}


def test_the_pins_are_renewed_from_a_list_of_all_packages():
    frozen = OLD.replace("numpy==2.1.3", "numpy==2.2.0") + "torch==2.11\nScikit_Learn==1.6.1\n"
    new = renew.renewed(OLD, frozen, datetime.date(2026, 12, 1))
    assert renew.pins(new) == {**renew.pins(OLD), "numpy": "2.2.0"}
    assert "as of 2026-12-01" in new
    with pytest.raises(SystemExit, match="The list has no numpy"):
        renew.renewed(OLD, OLD.replace("numpy", "other"), datetime.date(2026, 12, 1))
