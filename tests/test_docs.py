"""What the documents must not leave out.

Names only: that what is said of them is true, their readers have to see. The lists
are the code's and the contract's own, so whoever adds a name learns here where it is
to be explained.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec
import pytest

from actors.errors import Code
from actors.lifecycle import RequestState
from actors.modes import MODE_ALIASES, RequestMode
from actors.policies import ConnectionPolicy
from actors.roles import Role
from broker.config import FORMER_KEYS, ClientSettings, ServerSettings
from broker.desk import HANDLERS
from broker.protocol.handshake import Handshake
from broker.protocol.inbound import Frame
from broker.protocol.wire import EVENTS, MemberStatus, Namespace

ROOT: Final = Path(__file__).parents[1]
PROTOCOL: Final = (ROOT / "docs" / "protocol.md").read_text("utf-8")
ENGLISH, _, CHINESE = (
    (ROOT / "settings" / "README.md").read_text("utf-8").partition("\n## 中文摘要\n")
)
WIRE: Final = json.loads((ROOT / "tests/data/wire_names.json").read_text("utf-8"))
DOCUMENTS: Final = (
    "README.md",
    "README.zh-CN.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "settings/README.md",
    "docs/protocol.md",
    "docs/architecture.md",
    "docs/glossary.md",
    "SECURITY.md",
    "docs/security.md",
    "docs/security.zh-CN.md",
    "docs/operations.md",
    "docs/operations.zh-CN.md",
)

TRANSLATED: Final = ("docs/operations", "docs/security")
"""Documents of which there are two, without their endings."""

INDEX_ROW: Final = re.compile(
    r"^\| `(?P<event>[^`]+)` \| (?P<sent>[^|]*)\|[^|]*\| \[", re.MULTILINE
)
LINK: Final = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
REMARK: Final = re.compile(r"  # .*$", re.MULTILINE)
CODE: Final = re.compile(r"`([^`\n]+)`")
EVERYWHERE: Final = "every namespace"


def missing(names: set[str], text: str) -> list[str]:
    """The names that do not stand in a text as code, alone or with others."""
    code = "\n".join(CODE.findall(FENCED.sub("", text)))
    return sorted(
        name
        for name in names
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", code) is None
    )


def frames(kind: type[Frame]) -> list[type[Frame]]:
    """Every kind of frame below one."""
    return [each for below in kind.__subclasses__() for each in (below, *frames(below))]


def settings_of(kind: type[msgspec.Struct]) -> set[str]:
    """The names of settings as files have them."""
    return {field.encode_name for field in msgspec.structs.fields(kind)}


def rows_of(text: str) -> set[str]:
    """What the rows of tables begin with."""
    return set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))


def anchors_of(path: Path) -> set[str]:
    """The anchors of headings, as web sites make them; the second gets a number."""
    text = FENCED.sub("", path.read_text("utf-8"))
    seen: Counter[str] = Counter()
    anchors = set()
    for heading in HEADING.findall(text):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return anchors


def shape_of(text: str) -> list[str]:
    """What a translation keeps: headings, rows and points by kind, blocks of code."""
    blocks = [REMARK.sub("", block) for block in FENCED.findall(text)]
    lines = FENCED.sub("```", text).splitlines()
    kinds = [re.match(r"#+ |\| |\* |\d+\. |```", line) for line in lines]
    return [kind[0] for kind in kinds if kind] + blocks


def links_of(text: str) -> Counter[str]:
    """Where it leads, whichever of two languages it leads to."""
    found = LINK.findall(FENCED.sub("", text))
    return Counter(target.replace(".zh-CN", "") for target, _ in found)


def names_of(text: str) -> set[str]:
    """What stands there as code, word by word."""
    code = " ".join(CODE.findall(FENCED.sub("", text)))
    return set(re.findall(r"[\w./-]+", code))


def test_every_name_of_the_contract_is_in_the_protocol() -> None:
    """Events, namespaces, stream events and what members do, by their wire names."""
    names = {*WIRE["events"], *WIRE["namespaces"].values()}
    names |= {*WIRE["streamEvents"].values(), *WIRE["memberStatus"].values()}

    assert missing(names, PROTOCOL) == []


@pytest.mark.parametrize(
    "names",
    [Role, RequestMode, ConnectionPolicy, RequestState, MemberStatus, Namespace],
)
def test_every_word_of_rooms_and_requests_is_in_the_protocol(
    names: type[Role | RequestMode | ConnectionPolicy],
) -> None:
    """Roles, modes, policies, statuses: as one writes them."""
    assert missing(set(names), PROTOCOL) == []


def test_every_field_that_clients_send_is_in_the_protocol() -> None:
    """Of the handshake and of all events, by their wire names."""
    kinds: list[type[msgspec.Struct]] = [Handshake, *frames(Frame)]
    fields = {
        each.encode_name for kind in kinds for each in msgspec.structs.fields(kind)
    }

    assert missing(fields, PROTOCOL) == []


def test_other_names_of_modes_are_in_the_protocol() -> None:
    """Clients in use send them."""
    assert missing(set(MODE_ALIASES), PROTOCOL) == []


def test_every_code_is_in_the_protocol() -> None:
    """The table of codes and the line on warnings below it."""
    section = PROTOCOL.partition("\n| code | meaning |")[2].partition("\n## ")[0]
    absent = [code for code in Code if not re.search(rf"\b{int(code)}\b", section)]

    assert absent == []


def test_index_lists_every_event_and_where_it_may_be_sent() -> None:
    """Section 20 is what the namespaces answer to, no more and no less."""
    index = PROTOCOL.partition("\n## 20. ")[2]
    listed = {
        row["event"]: set(Namespace)
        if row["sent"].strip() == EVERYWHERE
        else set(re.findall(r"`([^`]+)`", row["sent"]))
        for row in INDEX_ROW.finditer(index)
    }
    taken: dict[str, set[str]] = {name: set() for name in EVENTS}
    for handlers in HANDLERS:
        for event in handlers.events():
            taken[event].add(handlers.name)

    assert listed == taken


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["english", "chinese"])
@pytest.mark.parametrize("kind", [ServerSettings, ClientSettings])
def test_every_setting_has_a_row_in_both_languages(
    kind: type[msgspec.Struct], text: str
) -> None:
    """The server's and those of a client's file."""
    assert sorted(settings_of(kind) - rows_of(text)) == []


def test_defaults_of_settings_are_those_of_the_code() -> None:
    """Numbers and texts as they stand in the two tables, in both languages."""
    defaults = msgspec.to_builtins(ServerSettings())
    rows = [
        f"| `{name}` | `{msgspec.json.encode(default).decode()}`"
        for name, default in defaults.items()
    ]
    wrong = [row for row in rows for text in (ENGLISH, CHINESE) if row not in text]

    assert wrong == []


def test_settings_of_former_versions_are_named() -> None:
    """Whoever brings such a file reads what becomes of it."""
    assert missing(set(FORMER_KEYS), ENGLISH) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_between_documents_lead_somewhere(name: str) -> None:
    """Files and headings; the web is not asked."""
    page = ROOT / name
    text = FENCED.sub("", page.read_text("utf-8"))
    broken = []
    for target, anchor in LINK.findall(text):
        path = (page.parent / target) if target else page
        lost = not path.exists()
        if lost or (anchor and anchor not in anchors_of(path)):
            broken.append(f"{target}#{anchor}")

    assert broken == []


@pytest.mark.parametrize("name", TRANSLATED)
def test_a_document_and_its_translation_say_the_same(name: str) -> None:
    """Parts, rows, points, examples, links and names; the words are for readers."""
    english, chinese = [
        (ROOT / f"{name}{ending}").read_text("utf-8") for ending in (".md", ".zh-CN.md")
    ]

    assert shape_of(chinese) == shape_of(english)
    assert links_of(chinese) == links_of(english)
    assert names_of(chinese) == names_of(english)
