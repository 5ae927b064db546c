"""``tapster extension``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from broker.cli import make_app
from broker.extension import files, folder


def lay_out(home: Path, *users: str) -> Path:
    """A SillyTavern, as far as installing looks at it."""
    (home / "public" / "scripts" / "extensions" / "third-party").mkdir(parents=True)
    (home / "package.json").write_text(json.dumps({"name": "sillytavern"}))
    for user in (*users, "_webpack"):
        (home / "data" / user).mkdir(parents=True)
    return home


@pytest.fixture
def silly_tavern(tmp_path: Path) -> Path:
    """One with two users."""
    return lay_out(tmp_path / "SillyTavern", "default-user", "ann")


@pytest.fixture
def for_all(silly_tavern: Path) -> Path:
    """Where its users find what is for all of them."""
    scripts = silly_tavern / "public" / "scripts"
    return scripts / "extensions" / "third-party" / "tapster"


def install(*words: str | Path) -> Result:
    """Run the command."""
    line = ["extension", "install", *map(str, words)]
    return CliRunner().invoke(make_app(), line)


def contents(place: Path) -> set[str]:
    """The names of the files in a folder."""
    found = (path for path in place.rglob("*") if path.is_file())
    return {path.relative_to(place).as_posix() for path in found}


def test_it_is_copied_for_all_users(silly_tavern: Path, for_all: Path) -> None:
    """Where SillyTavern serves it from."""
    done = install(silly_tavern)

    assert done.exit_code == 0, done.output
    assert str(for_all) in done.stdout
    assert contents(for_all) == set(files())
    assert not for_all.is_symlink()


def test_nothing_else_is_left_behind(silly_tavern: Path, for_all: Path) -> None:
    """SillyTavern takes every folder there for an extension."""
    install(silly_tavern)
    install(silly_tavern)

    assert [each.name for each in for_all.parent.iterdir()] == ["tapster"]


def test_it_is_copied_for_one_user(silly_tavern: Path, for_all: Path) -> None:
    """Among what that user has installed."""
    done = install(silly_tavern, "--user", "ann")
    own = silly_tavern / "data" / "ann" / "extensions" / "tapster"

    assert done.exit_code == 0, done.output
    assert contents(own) == set(files())
    assert not for_all.exists()


def test_the_data_root_is_where_the_settings_say(
    silly_tavern: Path, tmp_path: Path
) -> None:
    """People move it."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "bob").mkdir(parents=True)
    (silly_tavern / "config.yaml").write_text(f'dataRoot: "{elsewhere}"  # mine\n')
    done = install(silly_tavern, "--user", "bob")

    assert done.exit_code == 0, done.output
    assert (elsewhere / "bob" / "extensions" / "tapster" / "index.js").is_file()


def test_it_is_linked_for_developers(silly_tavern: Path, for_all: Path) -> None:
    """What is edited is what SillyTavern loads."""
    done = install(silly_tavern, "--link")

    assert done.exit_code == 0, done.output
    assert for_all.is_symlink()
    assert for_all.resolve() == folder().resolve()


def test_it_is_upgraded_in_place(silly_tavern: Path, for_all: Path) -> None:
    """Files that are no more go; a link is replaced, not followed."""
    install(silly_tavern, "--link")
    install(silly_tavern)
    (for_all / "old.js").write_text("")
    done = install(silly_tavern)

    assert done.exit_code == 0, done.output
    assert "is now" in done.stdout
    assert contents(for_all) == set(files())
    assert (folder() / "index.js").is_file()


def test_what_a_user_has_of_his_own_is_pointed_out(
    silly_tavern: Path, for_all: Path
) -> None:
    """SillyTavern would load that, and the upgrade seem to do nothing."""
    install(silly_tavern, "--user", "ann")
    done = install(silly_tavern)

    assert for_all.is_dir()
    assert str(silly_tavern / "data" / "ann" / "extensions" / "tapster") in done.stdout


def test_something_else_of_that_name_is_not_overwritten(
    silly_tavern: Path, for_all: Path
) -> None:
    """It may be somebody's work."""
    for_all.mkdir()
    (for_all / "manifest.json").write_text('{"display_name": "Beer mats"}')
    refused = install(silly_tavern)

    assert refused.exit_code == 1
    assert refused.stderr == (
        f"tapster: {for_all} is something else: move it away first\n"
    )
    assert contents(for_all) == {"manifest.json"}


def test_it_is_found_in_the_folder_one_is_in(
    silly_tavern: Path, for_all: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And beside it, and in the usual places at home."""
    monkeypatch.chdir(silly_tavern.parent)
    monkeypatch.setenv("HOME", str(silly_tavern.parent))
    done = install()

    assert done.exit_code == 0, done.output
    assert for_all.is_dir()


def test_of_several_one_must_be_named(
    silly_tavern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is taken by chance."""
    other = lay_out(tmp_path / "Documents" / "SillyTavern")
    monkeypatch.chdir(silly_tavern)
    monkeypatch.setenv("HOME", str(tmp_path))
    refused = install()

    assert refused.exit_code == 1
    assert str(other) in refused.stderr
    assert str(silly_tavern) in refused.stderr


def test_none_in_the_usual_places_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("broker.cli.extension.USUAL_PLACES", ("~/SillyTavern",))
    refused = install()

    assert refused.exit_code == 1
    assert "tapster extension install PATH" in refused.stderr


def test_a_folder_that_is_no_silly_tavern_is_refused(tmp_path: Path) -> None:
    """And one that there is not."""
    no_tavern, nowhere = install(tmp_path), install(tmp_path / "nowhere")

    assert no_tavern.exit_code == nowhere.exit_code == 1
    assert "name the folder that server.js is in" in no_tavern.stderr
    assert "there is no folder" in nowhere.stderr


def test_the_data_folder_names_its_silly_tavern(
    silly_tavern: Path, for_all: Path
) -> None:
    """It is what people see their things in."""
    assert install(silly_tavern / "data").exit_code == 0
    assert for_all.is_dir()


@pytest.mark.parametrize("user", ["nobody", "_webpack"])
def test_a_user_that_there_is_not_is_refused(silly_tavern: Path, user: str) -> None:
    """With those that there are."""
    refused = install(silly_tavern, "--user", user)

    assert refused.exit_code == 1
    assert "ann, default-user" in refused.stderr


def test_a_folder_that_can_not_be_written_is_said(silly_tavern: Path) -> None:
    """In one sentence."""
    third_party = silly_tavern / "public" / "scripts" / "extensions" / "third-party"
    third_party.rmdir()
    third_party.write_text("a file, for once")
    refused = install(silly_tavern)

    assert refused.exit_code == 1
    assert "can not be written" in refused.stderr
