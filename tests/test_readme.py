"""What README and the docs promise: code runs, commands exist, links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from chromalab.commands.verbs import VERBS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def test_the_python_of_the_readme_prints_what_it_says(tmp_path):
    (code,) = blocks("python")
    said = "".join(line[2:] + "\n" for line in code.splitlines() if line.startswith("# "))
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stdout == said


def test_the_magics_of_the_readme_are_verbs_with_those_flags():
    text = "\n".join(blocks("text"))
    commands = re.findall(
        r"^(?:\w+ = )?%{1,2}chroma (?:\w+=? << )?([\w.]+)(.*)$", text, re.MULTILINE
    )
    assert len(commands) == 17
    for verb, rest in commands:
        flags = {name for a in VERBS[verb].arguments for name in (a.name, a.short)}
        assert set(re.findall(r"(?<!\S)--?[a-z][\w-]*", rest)) <= flags


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_docs_is_a_verb(page):
    named = re.findall(r"%{1,2}chroma (?:\w+=? << )?([a-z][\w.]*)", page.read_text())
    assert not [verb for verb in named if verb not in (*VERBS, "help")]


def test_the_commands_of_the_readme_are_targets_of_make():
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    (shell,) = blocks("sh")
    for target in re.findall(r"^make (\w+)", shell, re.MULTILINE):
        assert target in targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
