"""``tapster extension``: bring SillyTavern's extension to where SillyTavern is."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from broker import extension
from broker.cli.options import plain_errors
from broker.start import StartError

app = typer.Typer(help="SillyTavern's extension.", no_args_is_help=True)

USUAL_PLACES: Final = (
    "~/SillyTavern",
    "~/sillytavern",
    "~/SillyTavern-Launcher/SillyTavern",
    "~/Documents/SillyTavern",
    "~/Desktop/SillyTavern",
    "~/Downloads/SillyTavern",
    "~/git/SillyTavern",
    "~/src/SillyTavern",
    "/opt/SillyTavern",
    "/home/node/app",
    "C:/SillyTavern",
)
"""Where people have it, beside the folder one is in and those next to it."""

_FOR_ALL: Final = Path("public", "scripts", "extensions", "third-party")
_DATA_ROOT: Final = re.compile(
    r"^dataRoot:\s*[\"']?([^\"'#\n]+?)[\"']?\s*(?:#.*)?$", re.MULTILINE
)

Place = Annotated[
    Path | None,
    typer.Argument(metavar="[SILLYTAVERN]", help="The folder SillyTavern is in."),
]
User = Annotated[
    str | None,
    typer.Option(
        "--user", metavar="NAME", help="For one user alone, such as default-user."
    ),
]
Link = Annotated[
    bool,
    typer.Option("--link", help="Link to the files instead of copying them."),
]


class _Package(msgspec.Struct, frozen=True):
    """A ``package.json``, as far as it tells what is here."""

    name: str = ""


@app.command()
def install(place: Place = None, user: User = None, link: Link = False) -> None:  # noqa: FBT002 - how typer declares an option
    """Install the extension, or bring an installed one up to date."""
    with plain_errors():
        home = _checked(place) if place is not None else _found()
        target = _target(home, user)
        earlier = extension.read_manifest(target)
        _put(target, link=link)
        now = extension.read_manifest(target)
        if earlier is None or now is None:
            print(f"The extension is installed in {target}")
        else:
            print(f"The extension in {target} is now {now.version}")
        for other in _hiding(home, user):
            print(f"SillyTavern uses {other} instead for that user: delete it")
    print("Reload SillyTavern's page, and open Tapster among its extensions.")


def _checked(place: Path) -> Path:
    """The folder of a SillyTavern, of which its data folder may have been named."""
    for candidate in (place, place.parent):
        if _is_silly_tavern(candidate):
            return candidate.resolve()
    if not place.is_dir():
        raise StartError(f"there is no folder {place}")
    raise StartError(f"{place} is no SillyTavern: name the folder that server.js is in")


def _found() -> Path:
    """The one SillyTavern in the usual places."""
    found = list(dict.fromkeys(_candidates()))
    if not found:
        raise StartError(
            "no SillyTavern in the usual places: name the folder it is in, as in "
            "tapster extension install PATH"
        )
    if len(found) > 1:
        names = ", ".join(map(str, found))
        raise StartError(f"several SillyTaverns are here, name one of them: {names}")
    return found[0]


def _candidates() -> Iterator[Path]:
    here = Path.cwd()
    near = (here, *(each / "SillyTavern" for each in (here, here.parent)))
    for place in (*near, *(Path(each).expanduser() for each in USUAL_PLACES)):
        if _is_silly_tavern(place):
            yield place.resolve()


def _is_silly_tavern(place: Path) -> bool:
    try:
        text = (place / "package.json").read_bytes()
        package = msgspec.json.decode(text, type=_Package)
    except (OSError, msgspec.MsgspecError):
        return False
    return package.name == "sillytavern" and (place / _FOR_ALL.parent).is_dir()


def _data_root(home: Path) -> Path:
    """Where a SillyTavern keeps its users, as its config.yaml says."""
    try:
        text = (home / "config.yaml").read_text(encoding="utf-8")
    except OSError:
        return home / "data"
    named = _DATA_ROOT.search(text)
    return home / (named[1].strip() if named else "data")


def _target(home: Path, user: str | None) -> Path:
    if user is None:
        return home / _FOR_ALL / extension.NAME
    data = _data_root(home)
    users = _users(data)
    if user not in users:
        known = f"its users are {', '.join(users)}" if users else "it has none yet"
        raise StartError(f"{data} has no user {user}: {known}")
    return data / user / "extensions" / extension.NAME


def _users(data: Path) -> list[str]:
    """Folders of users; those of SillyTavern's own begin with an underscore."""
    if not data.is_dir():
        return []
    folders = (each.name for each in data.iterdir() if each.is_dir())
    return sorted(name for name in folders if not name.startswith(("_", ".")))


def _hiding(home: Path, user: str | None) -> Iterator[Path]:
    """What a user has of his own is what SillyTavern loads for him."""
    if user is not None:
        return
    data = _data_root(home)
    for each in _users(data):
        own = data / each / "extensions" / extension.NAME
        if own.exists():
            yield own


def _put(target: Path, *, link: bool) -> None:
    """Put the extension where it belongs; what was there goes when it stands."""
    if target.exists() and not extension.is_ours(target):
        raise StartError(f"{target} is something else: move it away first")
    try:
        source = extension.folder()
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(
            prefix=".tapster-", dir=target.parent
        ) as workshop:
            made = Path(workshop, "new")
            if link:
                made.symlink_to(source, target_is_directory=True)
            else:
                _copy(made)
            if target.is_symlink() or target.exists():
                target.rename(Path(workshop, "old"))
            made.rename(target)
    except FileNotFoundError as error:
        raise StartError(str(error)) from error
    except OSError as error:
        raise StartError(f"{target} can not be written: {error.strerror}") from error


def _copy(target: Path) -> None:
    for name, path in extension.files().items():
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
