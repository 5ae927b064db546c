"""Every event of the protocol, and the test that shows it with the JavaScript client.

The table is checked itself: it has every name, its tests exist, and the scenarios that
they run speak of the event.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from broker.protocol.wire import AnswerEvent, LibraryEvent, PlainStreamEvent

from .harness import JS, Node

HERE: Final = Path(__file__).parent
NAMES: Final = json.loads(
    (HERE.parent / "data" / "wire_names.json").read_text(encoding="utf-8")
)
EVENTS: Final[frozenset[str]] = frozenset(
    [
        *NAMES["events"],
        *NAMES["streamEvents"].values(),
        *PlainStreamEvent,
        *AnswerEvent,
        *LibraryEvent,
    ]
)

SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "test_answers::test_error_of_the_extension_fails_the_request": ("ERROR",),
    "test_answers::test_handshake_chooses_the_names_of_the_chunks": (
        "SERVER_STREAM_DATA",
        "SERVER_STREAM_END",
    ),
    "test_answers::test_plain_stream_arrives_chunk_by_chunk_in_order": (
        "streamed_data",
    ),
    "test_answers::test_plain_stream_ends_once_with_status_and_number_of_chunks": (
        "streamed_end",
    ),
    "test_answers::test_request_is_acked_and_reported_until_one_terminal_status": (
        "LLM_REQUEST",
        "REQUEST_STATUS_UPDATE",
    ),
    "test_answers::test_whole_answer_to_a_streaming_request_is_a_message": ("message",),
    "test_cancel::test_request_is_stopped_in_the_middle_and_later_chunks_are_dropped": (
        "CANCEL_REQUEST",
    ),
    "test_clients::test_key_for_a_client_nobody_knew_trusts_it": (
        "GENERATE_CLIENT_KEY",
    ),
    "test_clients::test_keys_of_all_are_listed_with_when_they_were_used": (
        "GET_ALL_CLIENT_KEYS",
    ),
    "test_clients::test_list_says_everything_but_keys": ("GET_CLIENT_LIST",),
    "test_clients::test_monitors_and_silly_taverns_are_told_of_changes": (
        "CONNECTED_CLIENTS_UPDATE",
        "UPDATE_CONNECTED_CLIENTS",
    ),
    "test_clients::test_removed_key_opens_nothing_and_closes_what_it_opened": (
        "REMOVE_CLIENT_KEY",
    ),
    "test_console::test_client_is_trusted_and_trusted_no_longer": ("TRUST_CLIENT",),
    "test_console::test_instance_that_drains_finishes_and_takes_nothing_new": (
        "DRAIN_EXTENSION",
    ),
    "test_console::test_key_is_made_used_listed_and_revoked": (
        "GET_KEYS",
        "MAKE_KEY",
        "REVOKE_KEY",
    ),
    "test_console::test_removed_instance_is_gone_for_good": ("REMOVE_EXTENSION",),
    "test_console::test_settings_and_rules_are_seen_and_tried": (
        "GET_ROUTES",
        "GET_SETTINGS",
        "TRY_ROUTE",
    ),
    "test_console_feed::test_requests_are_paged_newest_first": ("GET_REQUESTS",),
    "test_console_feed::test_those_who_watch_get_the_same_until_they_stop": (
        "HOUSE_UPDATE",
        "UNWATCH_HOUSE",
        "WATCH_HOUSE",
    ),
    "test_debug::test_debug_mode_is_toggled_and_told_to_all": (
        "DEBUG_MODE_CHANGED",
        "TOGGLE_DEBUG_MODE",
    ),
    "test_debug::test_log_is_read_page_by_page": ("READ_LOG",),
    "test_debug::test_status_has_true_figures": ("SERVER_STATUS",),
    "test_events_table::test_parts_of_an_answer_go_by_both_spellings": (
        "CLIENT_STREAM_DATA_FAILED",
        "CLIENT_STREAM_DATA_FIRST",
        "CLIENT_STREAM_DATA_LAST",
        "CLIENT_STREAM_DATA_MIDDLE",
        "CLIENT_STREAM_DATA_RETRY",
        "CLIENT_STREAM_END",
        "CLIENT_STREAM_START",
        "LLM_RESPONSE",
        "STREAM_DATA_FAILED",
        "STREAM_DATA_FIRST",
        "STREAM_DATA_LAST",
        "STREAM_DATA_MIDDLE",
        "STREAM_DATA_RETRY",
        "STREAM_END",
        "STREAM_START",
    ),
    "test_events_table::test_library_and_broker_use_all_events_of_the_library": (
        "$stream",
        "$stream-end",
        "$stream-error",
        "$stream-read",
        "$stream-write",
    ),
    "test_functions::test_own_file_is_saved_and_read": ("FUNCTION_CALL",),
    "test_handshake::test_get_key_in_auth_is_answered_with_a_key_that_works_at_once": (
        "CLIENT_KEY",
        "GET_CLIENT_KEY",
    ),
    "test_handshake::test_identify_tells_how_the_extension_is_known": (
        "IDENTIFY_SILLYTAVERN",
    ),
    "test_handshake::test_silly_tavern_with_a_password_must_log_in": (
        "CLIENT_KEY_ASSIGNED",
        "LOGIN",
    ),
    "test_handshake::test_unverified_client_may_do_next_to_nothing": (
        "TEMP_ROOM_ASSIGNED",
    ),
    "test_history::test_history_comes_page_by_page_or_in_one_piece": (
        "GET_FULL_CONTEXT",
        "UPDATE_CONTEXT",
        "UPDATE_CONTEXT_PAGE",
    ),
    "test_history::test_message_is_edited_by_its_author_or_by_who_rules": (
        "EDIT_MESSAGE",
        "MESSAGE_UPDATED",
    ),
    "test_history::test_messages_are_deleted_by_their_authors_or_by_who_rules": (
        "DELETE_MESSAGE",
        "MESSAGES_DELETED",
    ),
    "test_history::test_room_is_cleared_of_answers_of_requests_or_of_everything": (
        "CLEAR_MESSAGES",
        "MESSAGES_CLEARED",
    ),
    "test_history::test_who_was_away_reads_what_was_said_meanwhile": (
        "GET_OFFLINE_MESSAGES",
        "OFFLINE_MESSAGES",
    ),
    "test_manners::test_farewell_closes_this_namespace_only": ("CLIENT_DISCONNECTED",),
    "test_modes::test_held_requests_go_out_when_the_mode_changes": (
        "ROOM_MODE_CHANGED",
        "SET_ROOM_MESSAGE_REQUEST_MODE",
    ),
    "test_modes::test_monitor_sets_the_mode_of_new_rooms_for_good": (
        "SET_MESSAGE_REQUEST_MODE",
    ),
    "test_modes::test_readers_get_chunks_or_the_whole_and_the_message_once": (
        "NEW_MESSAGE",
    ),
    "test_policies::test_lists_name_who_is_connected": (
        "GET_CONNECTED_CLIENT_ROOMS",
        "GET_CONNECTED_EXTENSIONS",
    ),
    "test_policies::test_manual_lets_a_room_use_what_it_was_assigned": (
        "ASSIGN_EXTENSION_TO_CLIENT",
        "GET_ASSIGNMENTS",
        "GET_ASSIGNMENTS_FOR_ROOM",
    ),
    "test_policies::test_policy_is_free_and_set_by_monitors_alone": (
        "GET_CONNECTION_POLICY",
        "SET_CONNECTION_POLICY",
    ),
    "test_policies::test_rooms_hear_of_the_extensions_they_may_use": (
        "AVAILABLE_EXTENSIONS",
    ),
    "test_resume::test_resume_event_gives_what_was_missed_and_then_the_rest": (
        "RESUME_STREAM",
    ),
    "test_rooms::test_deleted_room_is_no_more": ("DELETE_ROOM",),
    "test_rooms::test_kicked_member_stays_out_and_a_removed_one_may_come_again": (
        "ADD_CLIENT_TO_ROOM",
        "KICK_MEMBER",
        "REMOVE_CLIENT_FROM_ROOM",
        "WARNING",
    ),
    "test_rooms::test_members_are_listed_with_all_that_is_known_of_them": (
        "GET_CLIENTS_IN_ROOM",
    ),
    "test_rooms::test_members_hear_what_the_others_are_doing": (
        "MEMBER_STATUS_UPDATE",
        "START_PROCESSING",
        "START_TYPING",
        "STOP_PROCESSING",
        "STOP_TYPING",
    ),
    "test_rooms::test_muted_member_is_silent_until_it_may_speak": (
        "MEMBER_MUTED",
        "MEMBER_UNMUTED",
        "MUTE_MEMBER",
        "UNMUTE_MEMBER",
    ),
    "test_rooms::test_open_rooms_are_entered_and_left_as_one_likes": (
        "JOIN_ROOM",
        "LEAVE_ROOM",
        "MEMBER_JOINED",
        "MEMBER_LEFT",
    ),
    "test_rooms::test_roles_say_who_may_what_to_whom": (
        "MEMBER_ROLE_CHANGED",
        "SET_MEMBER_ROLE",
    ),
    "test_rooms::test_room_may_have_any_name_that_is_free": ("CREATE_ROOM",),
    "test_rooms::test_rooms_are_listed_for_those_who_may_know_of_them": ("GET_ROOMS",),
    "test_routing::test_list_of_extensions_names_those_that_identified": (
        "GET_SILLYTAVERN_EXTENSION",
    ),
    "test_shared_settings::test_the_last_version_wins_and_the_others_hear_of_it": (
        "GET_SHARED_SETTINGS",
        "SAVE_SHARED_SETTINGS",
        "SHARED_SETTINGS_UPDATED",
    ),
    "test_subscriptions::test_events_reach_those_who_subscribed_and_nobody_else": (
        "SILLYTAVERN_EVENT",
        "SUBSCRIBE_EVENTS",
    ),
    "test_taverns::test_silly_tavern_tells_more_of_itself": (
        "CHARACTERS_UPDATED",
        "CLIENT_SETTINGS",
    ),
}
"""Tests, and the events that each of them shows."""

PAIRS: Final = [(event, test) for test, events in SHOWN.items() for event in events]

IMPORT: Final = re.compile(r"from '\./(\w+)\.mjs'")
COMMENT: Final = re.compile(r"^\s*(//|/?\*).*$", re.MULTILINE)


@cache
def functions(module: str) -> dict[str, ast.FunctionDef]:
    """The functions of a file of tests, by name."""
    path = HERE / f"{module}.py"
    tree = ast.parse(path.read_text(encoding="utf-8"), path.name)
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def scenarios(module: str, function: str, seen: set[str]) -> Iterator[str]:
    """The scripts that a test runs, itself or by fixtures and helpers of its file."""
    known = functions(module)
    if function in seen or function not in known:
        return
    seen.add(function)
    tree = known[function]
    for argument in tree.args.args + tree.args.kwonlyargs:
        yield from scenarios(module, argument.arg, seen)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        first = node.args[0] if node.args else None
        if node.func.id == "node" and isinstance(first, ast.Constant):
            yield str(first.value)
        yield from scenarios(module, node.func.id, seen)


@cache
def words(script: str) -> frozenset[str]:
    """What a script and those it imports say between quotes, comments aside."""
    text = COMMENT.sub("", (JS / f"{script}.mjs").read_text(encoding="utf-8"))
    said = frozenset(re.findall(r"'([^'\n]+)'", text))
    return said.union(*(words(other) for other in IMPORT.findall(text)))


def test_every_event_has_its_test() -> None:
    """An event that no test shows is not known to work."""
    shown = {event for event, _ in PAIRS}

    assert len(PAIRS) == len(shown)
    assert shown == EVENTS


@pytest.mark.parametrize(("event", "test"), PAIRS, ids=[event for event, _ in PAIRS])
def test_test_of_an_event_speaks_of_it(event: str, test: str) -> None:
    """The test exists, and the scenarios that it runs name the event."""
    module, _, function = test.partition("::")
    scripts = set(scenarios(module, function, set()))

    assert function in functions(module)
    assert scripts, f"{test} runs no scenario"
    assert any(event in words(script) for script in scripts), sorted(scripts)


@pytest.mark.parametrize("spelling", ["wire", "plain"])
def test_parts_of_an_answer_go_by_both_spellings(
    node: Node, party: dict[str, str], spelling: str
) -> None:
    """Section 5: each under its wire name or its plain name; or all at once."""
    result = node("wire_names", "answers", **party, spelling=spelling)
    good, bad = result["good"], result["bad"]

    assert good["text"] == "Once upon a time."
    assert good["terminal"] == ["completed"]
    assert bad["text"] == "Twice"
    assert bad["terminal"] == ["failed"]
    assert bad["statuses"][-1]["error"]["message"] == "no ink"
    assert [message["data"] for message in result["whole"]["messages"]] == ["Thrice."]


def test_library_and_broker_use_all_events_of_the_library(
    node: Node, party: dict[str, str]
) -> None:
    """Section 6: opened, read, written, ended, and failed."""
    result = node("wire_names", "library", **party)

    assert result["texts"] == ["Once", "Once"]
    assert set(result["said"]) == set(LibraryEvent)
