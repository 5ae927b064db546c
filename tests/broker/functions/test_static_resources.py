"""``addStaticResources``: by whom, of what, under which URLs, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.errors import BrokerError, Code
from broker.functions import static_resources as module
from broker.functions.static_resources import FILE, StaticResources
from broker.functions.visitor import Visitor
from broker.security.paths import ServerRoot

from .conftest import GUEST, MONITOR, SILLY_TAVERN, visitor, write

SERVER = visitor(may_serve_files=True)
FILES = {"/app/list.json": "public/list.json", "/b": "./client/file.json"}


@pytest.fixture
def data(settings: Path) -> Path:
    """The data folder."""
    return settings.parent / "data"


@pytest.fixture
def resources(root: ServerRoot, data: Path) -> StaticResources:
    """Nothing has been added."""
    return StaticResources(root, data)


def refusal(resources: StaticResources, wanted: Any, by: Visitor = MONITOR) -> int:
    """The code with which adding is refused."""
    with pytest.raises(BrokerError) as refused:
        resources.add(wanted, by)
    return refused.value.code


@pytest.mark.parametrize("by", [MONITOR, SERVER])
def test_files_are_served_under_urls(
    resources: StaticResources, settings: Path, by: Visitor
) -> None:
    """Section 10: monitors, and clients whose file says ``mayServeFiles``."""
    urls = resources.add(FILES, by)

    assert urls == list(FILES)
    assert resources.has("/b")
    assert resources.find("/b").path == settings.parent / "client" / "file.json"
    assert not resources.has("/c")


@pytest.mark.parametrize("by", [GUEST, SILLY_TAVERN])
def test_nobody_else_may(resources: StaticResources, by: Visitor) -> None:
    """SillyTaverns included."""
    assert refusal(resources, FILES, by) == Code.AUTHORISATION_FAILED


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("settings/guest-settings.json", Code.RESTRICTED_FILE),
        ("data/tapster.sqlite3", Code.RESTRICTED_FILE),
        ("/etc/passwd", Code.RESTRICTED_FILE),
        ("public/../settings/guest-settings.json", Code.PATH_TRAVERSAL),
        ("public/%2e%2e/x", Code.PATH_TRAVERSAL),
        ("public/x.key", Code.RESTRICTED_FILE),
        ("public/absent.json", Code.FILE_NOT_FOUND),
        ("public", Code.RESTRICTED_FILE),
        (None, Code.INVALID_PATH),
        (["public/list.json"], Code.INVALID_PATH),
    ],
)
def test_only_files_of_the_served_folders_are_served(
    resources: StaticResources, path: Any, code: int
) -> None:
    """Section 10: and where one can not be, none of them is."""
    wanted = {"/good": "public/list.json", "/bad": path}

    assert refusal(resources, wanted) == code
    assert not resources.has("/good")


@pytest.mark.parametrize(
    "url",
    [
        "app.js",
        "./app.js",
        "",
        "/",
        "//evil.example/x",
        "/a//b",
        "/a/",
        "/../x",
        "/%2e%2e/x",
        "/a?b",
        "/a#b",
        "/a\\b",
        "/a\nb",
        "/.hidden",
        "/" + "a" * 600,
    ],
)
def test_url_that_is_none_is_refused(resources: StaticResources, url: str) -> None:
    """It must be like /a/b.js."""
    codes = {
        Code.INVALID_PARAMETER,
        Code.INVALID_PATH,
        Code.PATH_TRAVERSAL,
        Code.RESTRICTED_FILE,
    }

    assert refusal(resources, {url: "public/list.json"}) in codes


@pytest.mark.parametrize("wanted", [None, [], "x", 7, ["/a", "public/list.json"]])
def test_what_is_no_object_is_no_argument(
    resources: StaticResources, wanted: Any
) -> None:
    """Section 2: 503."""
    assert refusal(resources, wanted) == Code.INVALID_ARGUMENTS


def test_url_that_is_served_already_is_refused(resources: StaticResources) -> None:
    """Section 10: by the broker or by another file."""
    resources.respect({"/lib/x.js"}.__contains__)
    resources.add(FILES, MONITOR)

    assert refusal(resources, {"/lib/x.js": "public/list.json"}) == 4
    assert refusal(resources, {"/b": "public/list.json"}, SERVER) == 4
    assert resources.find("/b").name == "file.json"


def test_same_file_under_the_same_url_is_no_contradiction(
    resources: StaticResources,
) -> None:
    """Clients add what they need each time they start."""
    resources.add(FILES, SERVER)

    assert resources.add(FILES, SERVER) == list(FILES)


def test_what_was_added_is_there_after_a_restart(
    resources: StaticResources, root: ServerRoot, data: Path
) -> None:
    """Section 10: kept."""
    resources.add(FILES, SERVER)

    again = StaticResources(root, data)

    assert again.find("/b") == resources.find("/b")
    assert [path.name for path in data.glob("*.json")] == [FILE]


@pytest.mark.parametrize("content", ["{", "[]", '{"/a": 1}', ""])
def test_broken_file_serves_nothing_and_stops_nothing(
    root: ServerRoot, data: Path, content: str
) -> None:
    """The house opens all the same."""
    (data / FILE).write_text(content)

    resources = StaticResources(root, data)

    assert not resources.has("/a")
    assert resources.add(FILES, MONITOR)


def test_file_that_may_no_longer_be_served_is_not(
    root: ServerRoot, data: Path, settings: Path
) -> None:
    """Asked anew each time: a link may have come, the list been written by hand."""
    listed = {"/a": "settings/guest-settings.json", "/b": "public/list.json"}
    write(data / FILE, listed)
    resources = StaticResources(root, data)
    path = settings.parent / "public" / "list.json"
    path.unlink()
    path.symlink_to(settings / "guest-settings.json")

    for url in listed:
        with pytest.raises(BrokerError):
            resources.find(url)


def test_what_is_added_is_bounded(
    resources: StaticResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and in all."""
    monkeypatch.setattr(module, "MAX_AT_ONCE", 2)
    monkeypatch.setattr(module, "MAX_RESOURCES", 3)

    def files(*urls: str) -> dict[str, str]:
        return dict.fromkeys(urls, "public/list.json")

    assert refusal(resources, files("/a", "/b", "/c")) == Code.INVALID_ARGUMENTS
    resources.add(files("/a", "/b"), MONITOR)
    assert refusal(resources, files("/c", "/d")) == Code.TOO_MANY_REQUESTS
    resources.add(files("/b", "/c"), MONITOR)


def test_what_can_not_be_written_down_is_not_served(
    resources: StaticResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be gone after a restart."""

    def full(*_args: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("broker.settings_file.tempfile.NamedTemporaryFile", full)

    assert refusal(resources, FILES) == Code.FILE_WRITE
    assert not resources.has("/b")
