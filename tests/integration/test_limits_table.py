"""Every limit of section 19 of the protocol, and the tests that reach it from outside.

The table is checked itself: it has every row, its tests exist, and each of them looks
up in ``GET /metrics`` of a real broker that the limit was counted.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import pytest

from actors.limits import Limit
from broker.config import ServerSettings

from .harness import Broker

HERE: Final = Path(__file__).parent
PROTOCOL: Final = (HERE.parents[1] / "docs" / "protocol.md").read_text("utf-8")
SECTION: Final = PROTOCOL.partition("\n## 19. Limits\n")[2].partition("\n## ")[0]

TRIED: Final[dict[str, tuple[str, ...]]] = {
    "maxPacket": (
        "test_limits_of_entry::test_packet_too_large_for_a_websocket",
        "test_limits_of_entry::test_body_too_large_for_a_polling_connection",
    ),
    "maxAttachments": ("test_limits_of_entry::test_attachments_too_many_or_too_large",),
    "maxDepth": ("test_limits::test_nesting_follows_the_settings",),
    "packetsPerBody": ("test_limits_of_entry::test_too_many_packets_in_one_body",),
    "eventsPerSecond": (
        "test_limits::test_events_beyond_the_burst_are_refused_one_by_one",
    ),
    "joinsPerSecond": ("test_gate::test_flood_of_namespaces_is_refused_and_then_cut",),
    "streamEventsPerSecond": (
        (
            "test_limits::"
            "test_stream_events_beyond_their_rate_are_read_slowly_and_none_is_lost"
        ),
    ),
    "connectionsPerAddress": (
        "test_limits::test_connections_of_one_address_are_limited",
    ),
    "maxConnections": (
        "test_gate::test_connection_beyond_all_is_refused_before_it_is_one",
        "test_half_open::test_half_open_connections_have_places_like_all_others",
    ),
    "tcpConnectionsPerAddress": (
        "test_places::test_one_address_holds_only_its_share_of_all_connections",
        "test_places::test_who_is_encrypted_is_counted_before_the_handshake",
    ),
    "handshakeTimeout": (
        "test_raw::test_connection_that_joins_nothing_is_closed",
        "test_gate::test_upgrade_that_never_ends_is_given_up",
    ),
    "tlsHandshakeTime": (
        "test_half_open::test_handshake_that_is_not_ended_is_not_waited_for",
    ),
    "httpAnswerTime": (
        "test_slow_takers::test_who_takes_nothing_of_an_answer_is_cut",
        "test_slow_takers::test_who_takes_nothing_of_what_is_encrypted_is_cut",
    ),
    "httpRequestTime": (
        "test_gate::test_request_that_does_not_come_is_not_waited_for",
        "test_gate::test_body_that_does_not_come_is_not_waited_for",
    ),
    "attachmentsTime": (
        "test_gate::test_attachments_that_never_come_end_the_connection",
    ),
    "writeTimeout": (
        "test_deaf::test_client_that_takes_nothing_is_cut",
        "test_raw::test_client_that_never_reads_is_cut_and_no_other_is_harmed",
    ),
    "outboxLimit": (
        "test_raw::test_client_that_never_reads_is_cut_and_no_other_is_harmed",
    ),
    "libraryWindow": (
        (
            "test_stream_library::"
            "test_stalled_library_reader_is_sent_no_more_than_its_window"
        ),
    ),
    "wrongKeysPerMinute": (
        "test_limits::test_ban_for_wrong_keys_follows_the_settings",
    ),
    "newKeysPerMinute": (
        "test_limits_of_entry::test_new_keys_of_a_client_are_limited",
    ),
    "keysPerClient": (
        "test_limits_of_entry::test_ninth_key_takes_the_place_of_the_first",
    ),
    "keyLength": (
        "test_limits_of_entry::test_keys_and_passwords_beyond_72_bytes_are_refused",
    ),
    "keysBeingChecked": (
        "test_limits_of_entry::test_no_more_passwords_wait_for_bcrypt_than_may",
    ),
    "requestsInFlight": (
        "test_limits_of_work::test_one_request_more_than_may_be_in_flight",
    ),
    "queuedPerExtension": ("test_limits_of_work::test_one_request_more_than_may_wait",),
    "messageText": ("test_limits_of_work::test_text_longer_than_may_be",),
    "gapChunks": (
        "test_limits_of_work::test_more_chunks_than_may_wait_behind_a_missing_one",
    ),
    "answerLimit": ("test_answers::test_answer_that_grows_too_long_fails",),
    "roomsPerIdentity": ("test_rooms::test_rooms_and_members_have_limits",),
    "membersPerRoom": ("test_rooms::test_rooms_and_members_have_limits",),
    "historyPerRoom": ("test_history::test_oldest_messages_make_room_for_new_ones",),
    "historiesPerSession": (
        "test_limits_of_work::test_fifth_history_at_once_is_refused",
    ),
    "answerCache": (
        (
            "test_history::"
            "test_answer_for_which_there_is_no_room_is_resumed_from_the_history"
        ),
    ),
    "callsPerSession": ("test_limits_of_work::test_one_call_more_than_may_wait",),
    "callsPerCallee": (
        "test_limits_of_work::test_one_call_more_than_a_callee_may_leave_unanswered",
    ),
    "functionThreads": ("test_limits_of_work::test_one_function_more_than_may_block",),
    "functionTimeout": (
        "test_functions::test_callee_that_does_not_answer_or_leaves",
        "test_limits_of_work::test_function_that_takes_too_long_or_says_too_much",
    ),
    "jsonFileSize": ("test_limits_of_work::test_file_too_large_to_be_read_or_written",),
    "filesPerClient": (
        "test_limits_of_work::test_one_file_more_than_a_client_may_have",
    ),
    "trustedOnFirstUse": (
        "test_limits_of_entry::test_thirty_third_silly_tavern_is_not_trusted_by_itself",
    ),
}
"""Limits, and the tests that go beyond them."""

PAIRS: Final = [(limit, test) for limit, tests in TRIED.items() for test in tests]


def rows() -> list[list[str]]:
    """The cells of the table of section 19, without its two head lines."""
    lines = [line for line in SECTION.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@cache
def source(module: str, function: str) -> str:
    """A test as it is written, its decorators included; nothing if there is none."""
    text = (HERE / f"{module}.py").read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name != function:
                continue
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    return ""


def test_every_row_is_counted_under_a_name_of_its_own() -> None:
    """The last column has the labels that there are, each once."""
    counted = [re.findall(r"`(\w+)`", row[-1]) for row in rows()]

    assert {len(row) for row in rows()} == {5}
    assert sorted(counted) == sorted([limit.value] for limit in Limit)


def test_name_of_a_setting_stands_for_no_other_limit() -> None:
    """A label that is called like a setting is in the row of that setting."""
    settings = {each.encode_name for each in msgspec.structs.fields(ServerSettings)}
    strange = [
        row[-1]
        for row in rows()
        if row[-1].strip("`") in settings and row[-1] not in row[2]
    ]

    assert strange == []


def test_every_limit_is_tried_from_outside() -> None:
    """A limit that no test reaches is not known to hold."""
    untried = {limit.value for limit in Limit} - TRIED.keys()

    assert untried == set()
    assert TRIED.keys() <= {limit.value for limit in Limit}
    assert [limit for limit, tests in TRIED.items() if not tests] == []


@pytest.mark.parametrize(("limit", "test"), PAIRS, ids=[f"{a}-{b}" for a, b in PAIRS])
def test_test_of_a_limit_exists_and_looks_at_its_metric(limit: str, test: str) -> None:
    """It asks the broker how often that limit was reached."""
    module, _, function = test.partition("::")
    written = source(module, function)

    assert written, f"there is no {test}"
    assert ".reached" in written
    assert f'"{limit}"' in written


def test_every_limit_is_told_from_the_start(broker: Broker) -> None:
    """With 0: what begins at 1 has no rate."""
    counts = {limit: broker.reached(limit) for limit in Limit}

    assert min(counts.values()) >= 0
    assert counts[Limit.TRUSTED_ON_FIRST_USE] == 0
