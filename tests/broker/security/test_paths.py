"""Which files a path may mean, and every trick that must not work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from actors.errors import BrokerError, Code
from broker.security.paths import SERVED, Area, ServerRoot

EVERYWHERE = (Area.SETTINGS, *SERVED)
SECRET = "nobody may see this"

REFUSALS = {
    Code.PATH_TRAVERSAL,
    Code.RESTRICTED_FILE,
    Code.FILE_ACCESS_DENIED,
    Code.INVALID_PATH,
}


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A server's root, with files in its folders and secrets beside them."""
    top = tmp_path / "server"
    for area in EVERYWHERE:
        (top / area / "sub").mkdir(parents=True)
        (top / area / "file.json").write_text("{}")
        (top / area / "sub" / "deep.json").write_text("{}")
    (top / "data").mkdir()
    (top / "data" / "tapster.sqlite3").write_text(SECRET)
    (top / "file.json").write_text(SECRET)
    (tmp_path / "file.json").write_text(SECRET)
    return top


@pytest.fixture
def root(top: Path) -> ServerRoot:
    """The same as the broker knows it."""
    return ServerRoot(top / "settings", top / "data")


def refusal(root: ServerRoot, path: Any) -> int:
    """The code with which a path is refused, by both ways of asking."""
    with pytest.raises(BrokerError) as found:
        root.find(path, EVERYWHERE)
    assert SECRET not in found.value.message
    with pytest.raises(BrokerError) as located:
        root.locate(path, EVERYWHERE)
    assert located.value.code == found.value.code
    return found.value.code


@pytest.mark.parametrize("area", EVERYWHERE)
@pytest.mark.parametrize("prefix", ["", "./", "/"])
@pytest.mark.parametrize("name", ["file.json", "sub/deep.json"])
def test_files_of_the_areas_are_found(
    root: ServerRoot, top: Path, area: Area, prefix: str, name: str
) -> None:
    """Section 10: ``./settings/x.json`` and ``/settings/x.json`` both mean that."""
    found = root.find(f"{prefix}{area}/{name}", EVERYWHERE)

    assert found.path == (top / area / name).resolve()
    assert (found.area, found.name, found.linked) == (area, name, False)


@pytest.mark.parametrize(
    "name", ["酒.json", "with space.json", "a-b_c.d.json", "100%.json", "é.json", "~x"]
)
def test_ordinary_names_are_no_tricks(root: ServerRoot, top: Path, name: str) -> None:
    """People call their files as they like."""
    (top / "public" / name).write_text("{}")

    assert root.find(f"public/{name}", SERVED).parts == (name,)


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../file.json",
        "../../file.json",
        "/../file.json",
        "./../file.json",
        "public/..",
        "public/../file.json",
        "public/../public/file.json",
        "public/sub/../../file.json",
        "public/../../../../../../etc/passwd",
        "public/./../file.json",
        "public//../file.json",
        "..\\file.json",
        "public\\..\\file.json",
        "public/..\\file.json",
        "public\\../file.json",
        "C:\\..\\x",
        # decoded once, twice and oftener
        "%2e%2e/file.json",
        "%2E%2E/file.json",
        "public/%2e%2e/file.json",
        "public/.%2e/file.json",
        "public/%2e./file.json",
        "public/%2e%2e%2ffile.json",
        "public/..%2ffile.json",
        "public/..%5cfile.json",
        "public%2f..%2ffile.json",
        "public/%252e%252e/file.json",
        "public/%252e%252e%252ffile.json",
        "public/%25252e%25252e/file.json",
        "public/..%252f..%252ffile.json",
        # characters that some systems take for dots
        "public/\u2025/file.json",
        "public/\u2024\u2024/file.json",
        "public/\uff0e\uff0e/file.json",
        "public/.\uff0e/file.json",
        "public/\ufe52\ufe52/file.json",
    ],
)
def test_way_out_by_dots_is_refused(root: ServerRoot, path: str) -> None:
    """Section 10: 201, also where it would lead back in."""
    assert refusal(root, path) == Code.PATH_TRAVERSAL


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "//etc/passwd",
        "///etc/passwd",
        "//public/file.json",
        ".//public/file.json",
        "././public/file.json",
        "public//file.json",
        "public/./file.json",
        "public/file.json/",
        "/",
        ".",
        "./",
        "public",
        "public/",
        "public/.",
        "file.json",
        "data/tapster.sqlite3",
        "x/public/file.json",
        "PUBLIC/file.json",
        "Public/file.json",
        "~/.ssh/id_rsa",
        "~root/x",
        "$HOME/x",
        "file:///etc/passwd",
        "http://127.0.0.1/public/file.json",
        "/proc/self/environ",
        "/dev/zero",
    ],
)
def test_paths_outside_the_areas_are_restricted(root: ServerRoot, path: str) -> None:
    """Section 10: other absolute paths, and everything that is in no area."""
    assert refusal(root, path) == Code.RESTRICTED_FILE


@pytest.mark.parametrize(
    "path",
    [
        "public%2ffile.json",
        "public/file%2ejson",
        "public/file.json%00",
        "public/file.json%00.txt",
        "public/file.json%20",
        "public/%c0%ae%c0%ae/file.json",
        "public/%e0%80%ae%e0%80%ae/file.json",
        "public/%c0%af../file.json",
        "public/%uff0e%uff0e/file.json?x",
        "public/file.json?x",
        "public\u2215file.json",
        "public\uff0ffile.json",
    ],
)
def test_encoded_paths_are_not_decoded(root: ServerRoot, path: str) -> None:
    """Percent, overlong UTF-8, look-alikes: a path is what it is."""
    assert refusal(root, path) == Code.RESTRICTED_FILE


@pytest.mark.parametrize(
    "path",
    [
        "C:\\public\\file.json",
        "C:/public/file.json",
        "C:public/file.json",
        "C:",
        "\\public\\file.json",
        "public\\file.json",
        "public/sub\\deep.json",
        "\\\\host\\share\\file.json",
        "//host/share/file.json",
        "\\\\?\\C:\\x",
        "\\\\.\\PhysicalDrive0",
        "//?/C:/x",
        "\\??\\C:\\x",
        "public/file.json:x",
        "public/file.json:$DATA",
        "public/file.json::$DATA",
        "public:file.json",
        "public/sub:$I30:$INDEX_ALLOCATION/deep.json",
        "public/file.json.",
        "public/file.json...",
        "public/file.json ",
        "public/file.json . .",
        "public/sub./deep.json",
        "public/sub /deep.json",
        "public /file.json",
        "public./file.json",
        "public/.../file.json",
        "public/.. /file.json",
        "public/. ./file.json",
        "public/FILE~1.JSO",
        "public/file~1.json",
        "public/*.json",
        "public/file.jso?",
        'public/"file.json"',
        "public/<file.json",
        "public/file.json|x",
        *(
            f"public/{device}"
            for device in (
                "CON",
                "con",
                "Con.json",
                "con.tar.json",
                "con .json",
                "PRN",
                "AUX",
                "aux.json",
                "NUL",
                "nul.json",
                "COM1",
                "com1.json",
                "COM0",
                "COM¹",
                "LPT9",
                "lpt³.json",
                "CONIN$",
                "conout$",
                "con/deep.json",
            )
        ),
    ],
)
def test_windows_forms_are_restricted(root: ServerRoot, path: str) -> None:
    """Section 10: the same on every system."""
    assert refusal(root, path) == Code.RESTRICTED_FILE


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        0,
        7,
        1.5,
        True,
        [],
        ["public/file.json"],
        {"path": "public/file.json"},
        b"public/file.json",
        "\0",
        "public/file.json\0",
        "public/file.json\0.txt",
        "public/\0/file.json",
        "public/file.json\n",
        "\rpublic/file.json",
        "public/\x1bfile.json",
        "public/file.json\x7f",
        "public/\x85file.json",
        "public/\ud800.json",
        "public/\udcc0\udcae/file.json",
        "public/" + "x" * 600,
        "public/" + "../" * 10_000 + "etc/passwd",
        "./" * 300 + "public/file.json",
        "x" * 1_000_000,
    ],
)
def test_what_is_no_short_text_is_no_path(root: ServerRoot, path: Any) -> None:
    """Section 10: 106, and nothing is looked at."""
    assert refusal(root, path) == Code.INVALID_PATH


@pytest.mark.parametrize("name", ["x" * 256, "酒" * 100])
def test_name_too_long_for_the_file_system_is_no_path(
    root: ServerRoot, name: str
) -> None:
    """A file's name has at most 255 bytes on most systems."""
    with pytest.raises(BrokerError) as refused:
        root.find(f"public/{name}", SERVED)

    assert refused.value.code in {Code.INVALID_PATH, Code.FILE_NOT_FOUND}


@pytest.mark.parametrize(
    "name",
    [
        "tapster.sqlite3",
        "tapster.sqlite3-wal",
        "tapster.sqlite3-shm",
        "TAPSTER.SQLITE3",
        "old.db",
        "old.sqlite",
        "server.key",
        "SERVER.KEY",
        "server.pem",
        "server.crt",
        "server.cer",
        "store.p12",
        "store.pfx",
        "store.jks",
        "server.key.bak",
        "server.pem.json",
        "id_rsa",
        "id_ed25519",
        "clientKeys.json",
        "client_keys.json",
        "keys.json",
        "code.py",
        "code.PY",
        "code.pyc",
        "code.py.txt",
        "__pycache__/code.json",
        ".env",
        ".git/config",
        ".htaccess",
        "sub/.hidden/file.json",
        ".file.json.swp",
    ],
)
@pytest.mark.parametrize("area", EVERYWHERE)
def test_restricted_files_are_refused_whether_there_or_not(
    root: ServerRoot, top: Path, area: Area, name: str
) -> None:
    """Section 10: database, key store, TLS keys, programs, what is hidden."""
    absent = refusal(root, f"{area}/{name}")
    path = top / area / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SECRET)

    assert absent == refusal(root, f"{area}/{name}") == Code.RESTRICTED_FILE


def test_area_that_is_not_asked_for_is_restricted(root: ServerRoot) -> None:
    """Settings are not served."""
    with pytest.raises(BrokerError) as refused:
        root.find("settings/file.json", SERVED)

    assert refused.value.code == Code.RESTRICTED_FILE


def test_absent_file_is_not_found_but_has_a_place(root: ServerRoot) -> None:
    """Section 2: 101. Who writes needs no file to be there."""
    place = root.locate("settings/new.json", EVERYWHERE)
    with pytest.raises(BrokerError) as refused:
        root.find("settings/new.json", EVERYWHERE)

    assert place.parts == ("new.json",)
    assert refused.value.code == Code.FILE_NOT_FOUND


@pytest.mark.parametrize("path", ["public/sub", "public/file.json/x"])
def test_folder_is_not_a_file(root: ServerRoot, path: str) -> None:
    """Nor is what would be below a file."""
    with pytest.raises(BrokerError) as refused:
        root.find(path, SERVED)

    assert refused.value.code == Code.FILE_NOT_FOUND


# Links


@pytest.mark.parametrize("target", ["../file.json", "../../file.json", "../settings"])
@pytest.mark.parametrize("absolute", [True, False])
def test_link_that_leads_out_is_refused(
    root: ServerRoot, top: Path, target: str, *, absolute: bool
) -> None:
    """Section 10: 103, wherever it leads, other areas included."""
    public = top / "public"
    (public / "link").symlink_to((public / target).resolve() if absolute else target)

    assert refusal(root, "public/link") == Code.FILE_ACCESS_DENIED
    assert refusal(root, "public/link/file.json") == Code.FILE_ACCESS_DENIED


def test_link_by_way_of_a_link_is_refused(root: ServerRoot, top: Path) -> None:
    """However many links it takes."""
    (top / "public" / "one").symlink_to("two")
    (top / "public" / "two").symlink_to("../file.json")

    assert refusal(root, "public/one") == Code.FILE_ACCESS_DENIED


def test_link_within_an_area_is_followed_to_the_real_name(
    root: ServerRoot, top: Path
) -> None:
    """Rights go by what a file is, not by what a link is called."""
    (top / "public" / "link.json").symlink_to("sub/deep.json")

    place = root.find("public/link.json", SERVED)

    assert (place.name, place.linked) == ("sub/deep.json", True)


@pytest.mark.parametrize("name", ["server.key", ".hidden", "code.py"])
def test_link_does_not_unlock_a_restricted_file(
    root: ServerRoot, top: Path, name: str
) -> None:
    """An innocent name of a link changes nothing."""
    (top / "public" / name).write_text(SECRET)
    (top / "public" / "link.json").symlink_to(name)

    assert refusal(root, "public/link.json") == Code.RESTRICTED_FILE


def test_link_to_nowhere_is_as_good_as_no_file(root: ServerRoot, top: Path) -> None:
    """Section 2: 101."""
    (top / "public" / "link.json").symlink_to("gone.json")

    with pytest.raises(BrokerError) as refused:
        root.find("public/link.json", SERVED)

    assert refused.value.code == Code.FILE_NOT_FOUND


def test_link_to_itself_is_an_answer(root: ServerRoot, top: Path) -> None:
    """No error of ours."""
    (top / "public" / "link.json").symlink_to("link.json")

    with pytest.raises(BrokerError) as refused:
        root.find("public/link.json", SERVED)

    assert refused.value.code in REFUSALS | {Code.FILE_NOT_FOUND}


def test_areas_may_themselves_be_links(top: Path, tmp_path: Path) -> None:
    """Operators mount and link folders as they like."""
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "settings").symlink_to(top / "settings")
    (linked / "public").symlink_to(top / "public")
    root = ServerRoot(linked / "settings", top / "data")

    for path in ("settings/file.json", "public/file.json"):
        assert root.find(path, EVERYWHERE).linked is False


# Folders in unusual places


def test_settings_folder_may_have_any_name(top: Path) -> None:
    """It is always addressed as ``settings/``; the others lie beside it."""
    (top / "settings").rename(top / "etc")
    root = ServerRoot(top / "etc", top / "data")

    assert root.find("settings/file.json", EVERYWHERE).path.parent.name == "etc"
    root.find("public/file.json", EVERYWHERE)
    assert refusal(root, "etc/file.json") == Code.RESTRICTED_FILE


def test_relative_folders_count_from_where_the_broker_runs(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command line has them by default."""
    monkeypatch.chdir(top)

    root = ServerRoot(Path("settings"), Path("data"))

    root.find("public/file.json", SERVED)


def test_settings_are_not_served_under_another_name(top: Path) -> None:
    """Not even where an operator called their folder ``public``."""
    root = ServerRoot(top / "public", top / "data")

    root.find("settings/file.json", EVERYWHERE)
    assert refusal(root, "public/file.json") == Code.RESTRICTED_FILE


def test_data_folder_within_an_area_is_restricted(top: Path) -> None:
    """Whatever lies in it."""
    data = top / "public" / "sub"
    root = ServerRoot(top / "settings", data)

    assert refusal(root, "public/sub/deep.json") == Code.RESTRICTED_FILE
    root.find("public/file.json", SERVED)


def test_data_folder_around_the_areas_restricts_none_of_them(top: Path) -> None:
    """``--data .`` is no reason to serve nothing."""
    root = ServerRoot(top / "settings", top)

    root.find("public/file.json", SERVED)


def test_other_spelling_of_a_settings_file_is_refused(
    root: ServerRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems take several spellings for one; rights go by names."""
    monkeypatch.setattr(Path, "exists", lambda _self: True)

    root.find("settings/file.json", EVERYWHERE)
    assert refusal(root, "settings/FILE.json") == Code.RESTRICTED_FILE


def test_refusals_are_of_the_protocols_codes(root: ServerRoot) -> None:
    """Section 10: 201, 202 or 103; 106 for what is no path."""
    tricks = ["../x", "/etc/passwd", "public/x.key", "\0"]

    assert {refusal(root, trick) for trick in tricks} <= REFUSALS


@pytest.mark.parametrize("trick", ["../x", "/etc/passwd", "public/x.key", "x.json"])
def test_refusals_tell_nothing_of_the_machine(
    root: ServerRoot, top: Path, trick: str
) -> None:
    """No path of the server's is in a message."""
    with pytest.raises(BrokerError) as refused:
        root.find(trick, EVERYWHERE)

    assert str(top) not in refused.value.message
