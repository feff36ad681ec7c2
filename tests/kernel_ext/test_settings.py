"""Settings: a flag overrides %config, which overrides pyproject.toml, which overrides the default."""

import os

import pytest
from IPython.core.interactiveshell import InteractiveShell

from chromalab import errors
from chromalab.commands.settings import project_settings


def shown(shell, line="query notes tea"):
    return len(shell.run_line_magic("chroma", line)["ids"][0])


def test_a_flag_overrides_config_and_config_overrides_the_default(store):
    assert shown(store) == 3
    store.run_line_magic("config", "ChromaMagic.k = 2")
    assert shown(store) == 2
    assert shown(store, "query notes tea -k 1") == 1


def test_pyproject_is_read_from_the_folder_or_above_it(tmp_path, monkeypatch, capsys):
    (tmp_path / "pyproject.toml").write_text(
        '[tool.chromalab.magic]\nk = 1\nstore = "./set.chroma"\n'
    )
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "chromalab")
    assert capsys.readouterr().out == (
        f"chromalab: settings from {tmp_path / 'pyproject.toml'}: k=1, store={tmp_path / 'set.chroma'}\n"
    )
    assert list(shell.run_line_magic("chroma", "collections")) == []
    assert (tmp_path / "set.chroma" / "store.sqlite3").exists()
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[tool.chromalab.magic]\nkk = 1", "Did you mean 'k'"),
        ("[tool.chromalab.magic]\nk = 'ten'", "must be of type int"),
        ("[tool.chromalab", "cannot be read"),
        ("[tool.chromalab.magic]\nk = 0", "k in .* must be at least 1; got 0"),
        ("[tool.chromalab.magic]\nk = true", "must be of type int"),
        ("tool = 3", "'tool' in .* must be a table; got 3"),
        ("[tool]\nchromalab = 3", "'chromalab' in .* must be a table"),
        ("[tool.chromalab]\nmagic = 3", "'magic' in .* must be a table"),
        ("x = " + "[" * 100_000, "cannot be read"),
        (
            "[tool.chromalab.magic]\nstore = '../elsewhere'",
            "must be inside the folder of that file",
        ),
        ("[tool.chromalab.magic]\nstore = '/elsewhere'", "must be inside the folder of that file"),
    ],
)
def test_an_invalid_pyproject_is_reported_in_one_sentence(tmp_path, content, message):
    (tmp_path / "pyproject.toml").write_text(content)
    with pytest.raises(errors.InvalidArgumentError, match=message):
        project_settings(tmp_path)


def test_the_magics_load_despite_an_invalid_pyproject(tmp_path, monkeypatch, capsys):
    (tmp_path / "pyproject.toml").write_text('[tool.chromalab.magic]\n"\\u001bk" = 0')
    monkeypatch.chdir(tmp_path)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "chromalab")
    printed = capsys.readouterr().out
    assert "Unknown setting" in printed
    assert "\x1b" not in printed
    assert "No store is open" in repr(shell.run_line_magic("chroma", ""))
    InteractiveShell.clear_instance()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="users have no numbers here")
def test_a_pyproject_of_another_user_is_ignored(tmp_path, monkeypatch):
    file = tmp_path / "pyproject.toml"
    file.write_text("[tool.chromalab.magic]\nk = 1")
    assert project_settings(tmp_path) == ({"k": 1}, file)
    if os.getuid() == 0:
        os.chown(file, 65534, -1)
    else:
        monkeypatch.setattr(os, "getuid", lambda: file.stat().st_uid + 1)
    with pytest.raises(errors.InvalidArgumentError, match="belongs to another user"):
        project_settings(tmp_path)


def test_a_failed_load_leaves_the_shell_as_it_was(store):
    import traitlets

    import chromalab_kernel

    store.config.ChromaMagic.k = 0
    with pytest.raises(traitlets.TraitError):
        chromalab_kernel.load_ipython_extension(store)
    assert [type(c).__name__ for c in store.configurables].count("ChromaMagic") == 1
    assert store.run_line_magic("chroma", "count notes") == 3
