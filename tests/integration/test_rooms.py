"""Rooms and their members, with all who may be there."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from .harness import Broker, Names, Node, StartBroker

MONITOR: dict[str, dict[str, Any]] = {"monitor": {"clientType": "monitor"}}
RESERVED = ["server", "all", "auto", "monitor-room"]


@pytest.fixture
def room() -> str:
    """Name a room that there is not yet."""
    return f"room-{secrets.token_hex(4)}"


def codes(acks: Mapping[str, Any]) -> dict[str, int | None]:
    """The code of each ack; None where it was ok."""
    return {name: ack.get("code") for name, ack in acks.items()}


# -- rooms


def test_room_may_have_any_name_that_is_free(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 8: 1 to 128 characters, no control characters; a bare string is one."""
    me, other = names.clients(2)
    result = node(
        "rooms", "naming", url=broker.url, clientId=me, other=other, room=room
    )

    assert {ack["status"] for ack in result["made"].values()} == {"ok"}
    assert result["made"]["bare"]["roomName"] == room
    assert result["made"]["bare"]["role"] == "master"
    assert result["refused"] == (
        dict.fromkeys(RESERVED, 6) | {other: 6, me: 6, room: 301}
    )
    assert {ack["code"] for ack in result["malformed"].values()} == {3}
    mine = {each["roomName"]: each for each in result["details"]}
    assert mine[f"{room}-host"]["mode"] == mine[room]["mode"] == "Default"
    assert (mine[room]["members"], mine[room]["master"]) == (1, me)
    assert result["deleted"]["status"] == result["again"]["status"] == "ok"


def test_rooms_are_listed_for_those_who_may_know_of_them(
    node: Node, monitored: Broker, names: Names, room: str
) -> None:
    """Section 8: one's own and the open ones; all of them for monitors."""
    clients = names.clients(2)
    result = node("rooms", "visible", url=monitored.url, clientIds=clients, room=room)

    lists = result["lists"]
    everything = sorted(f"{room}-{kind}" for kind in ("closed", "open", "locked"))
    assert lists["master"]["rooms"] == lists["monitor"]["rooms"] == everything
    assert lists["stranger"]["rooms"] == [f"{room}-open"]
    assert lists["stranger"]["details"] == [
        {
            "roomName": f"{room}-open",
            "mode": "Immediate",
            "members": 1,
            "master": clients[0],
            "open": True,
            "keep": True,
        }
    ]
    assert [ack.get("code") for ack in result["looks"]] == [303, None, 303]
    assert result["nowhere"]["code"] == 302


def test_open_rooms_are_entered_and_left_as_one_likes(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 8: open, or with the password; 302, 303, 304 and 305 else."""
    clients = names.clients(2)
    result = node("rooms", "joining", url=broker.url, clientIds=clients, room=room)
    master, guest = clients

    assert (result["bare"]["status"], result["bare"]["role"]) == ("ok", "guest")
    assert result["twice"]["code"] == 304
    assert result["closed"]["code"] == result["passwordForClosed"]["code"] == 303
    assert result["missing"]["code"] == 303
    assert result["wrong"]["status"] == "error"
    assert result["right"]["status"] == "ok"
    assert result["nowhere"]["code"] == 302
    assert result["members"] == [master, guest]
    assert result["left"]["status"] == "ok"
    assert result["leftAgain"]["code"] == 305
    assert result["back"]["role"] == "guest"
    came = {"identity": guest, "clientId": guest, "roomName": room}
    assert result["joined"][-2:] == [{**came, "role": "guest"}] * 2
    assert result["gone"] == [{**came, "reason": "left"}]
    assert result["ownJoined"] == result["joined"][-2:]
    assert result["ownLeft"] == result["gone"]


def test_own_room_stays_and_is_its_owners(
    node: Node, monitored: Broker, names: Names
) -> None:
    """Section 8: admits whom its owner or a monitor adds; neither left nor deleted."""
    clients = names.clients(3)
    result = node("rooms", "ownRoom", url=monitored.url, clientIds=clients)
    members = result.pop("members")

    assert codes(result) == {
        "left": 303,
        "removed": 303,
        "deleted": 303,
        "deletedByMonitor": 303,
        "joined": 303,
        "addedByOneself": 303,
        "added": None,
        "manager": None,
        "master": 303,
        "addedByManager": 6,
        "kickedByManager": 303,
        "addedByMonitor": None,
        "mutedByMonitor": 303,
        "strangerLeft": None,
    }
    assert members == clients[:2]


# -- members


def test_roles_say_who_may_what_to_whom(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 8: a manager has no say over a master or a manager, a guest none."""
    clients = names.clients(4)
    result = node("rooms", "roles", url=broker.url, clientIds=clients, room=room)
    _, _, special, guest = clients

    assert [(each["identity"], each["role"]) for each in result["members"]] == list(
        zip(clients, ["master", "manager", "special", "guest"], strict=True)
    )
    assert [ack["code"] for ack in result["byGuest"]] == [6] * 7
    assert [ack["code"] for ack in result["byManager"]] == [6] * 4
    assert result["second"]["status"] == result["byClientId"]["status"] == "ok"
    assert result["managerOnManager"]["code"] == 6
    assert result["noMaster"]["code"] == 4
    assert result["noRole"]["code"] == result["noTarget"]["code"] == 3
    assert result["nobody"]["code"] == 305
    assert result["changed"] == [
        {"identity": who, "clientId": who, "roomName": room, "role": role}
        for who, role in ((special, "manager"), (guest, "special"))
    ]


def test_kicked_member_stays_out_and_a_removed_one_may_come_again(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 7: a kicked member does not come in again until added again."""
    clients = names.clients(4)
    result = node("rooms", "puttingOut", url=broker.url, clientIds=clients, room=room)
    _, kicked, removed, _ = clients

    assert codes(result["acks"]) == {"kick": None, "remove": None, "absent": 305}
    assert result["said"]["code"] == result["order"]["code"] == 303
    assert codes(result["back"]) == {"kicked": 303, "removed": None}
    assert result["addedAgain"]["role"] == result["forgiven"]["role"] == "guest"
    assert result["unknown"]["code"] == 401
    assert result["twice"]["code"] == 304
    assert [(each["identity"], each["reason"]) for each in result["left"]] == [
        (kicked, "kicked"),
        (removed, "removed"),
        (kicked, "left"),
    ]
    assert [(w["type"], w["code"]) for w in result["warnings"]] == [("WARNING", 303)]
    assert result["othersWarnings"] == []
    assert result["heardByKicked"][0]["reason"] == "kicked"


def test_muted_member_is_silent_until_it_may_speak(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 8: for some seconds, or until unmuted; code 6 meanwhile."""
    clients = names.clients(3)
    before = datetime.now(UTC)
    result = node("rooms", "muting", url=broker.url, clientIds=clients, room=room)
    master, guest, _ = clients

    assert [ack["code"] for ack in result["silenced"]] == [6] * 4
    assert result["speaks"]["status"] == "ok"
    for_good, for_a_moment = result["watcher"]["MEMBER_MUTED"]
    assert for_good == {
        "identity": guest,
        "roomName": room,
        "mutedBy": master,
        "mutedUntil": None,
        "duration": 0,
    }
    assert for_a_moment["duration"] == 0.3
    until = datetime.fromisoformat(for_a_moment["mutedUntil"])
    assert 0 < (until - before).total_seconds() < 20
    assert result["shown"] == [True, True, for_a_moment["mutedUntil"], True]
    assert result["watcher"]["MEMBER_UNMUTED"] == (
        [{"identity": guest, "roomName": room}] * 2
    )
    assert result["watcher"]["WARNING"] == []
    assert [w["code"] for w in result["guest"]["WARNING"]] == [6, 51, 6, 51]


def test_members_are_listed_with_all_that_is_known_of_them(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 8: GET_CLIENTS_IN_ROOM, for those who are here and those away."""
    clients, extension = names.clients(2), names.extension()
    result = node(
        "rooms",
        "fields",
        url=broker.url,
        clientIds=clients,
        room=room,
        extension=extension,
    )
    master, guest = clients
    tab = {"clientId": guest, "identity": f"{guest}-tab", "role": "special"}

    assert result["here"] == [
        {
            "clientId": master,
            "identity": master,
            "clientType": "web-app",
            "role": "master",
            "description": "",
            "status": "idle",
            "online": True,
        },
        {
            **tab,
            "clientType": "discord-bot",
            "description": "drinks ale",
            "name": "Ann",
            "avatar": "/ann.png",
            "status": "typing",
            "online": True,
        },
        {
            "clientId": extension,
            "identity": extension,
            "clientType": "SillyTavern",
            "role": "guest",
            "description": "",
            "status": "idle",
            "online": True,
        },
    ]
    away = result["away"][1]
    assert away == {
        **tab,
        "clientType": "client",
        "description": "",
        "status": "idle",
        "online": False,
    }


# -- who else may


def test_silly_tavern_looks_after_rooms(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 8: creates, deletes, adds, removes; not in the own rooms of others."""
    result = node(
        "rooms",
        "tended",
        url=broker.url,
        clientIds=names.clients(2),
        extension=names.extension(),
        room=room,
    )
    joined = result.pop("joined")

    assert codes(result) == {
        "create": None,
        "add": None,
        "remove": None,
        "addToOwn": 303,
        "deleteOwn": 303,
        "mode": 303,
        "delete": None,
    }
    assert [each["role"] for each in joined] == ["guest"]


def test_silly_tavern_keeps_out_of_rooms_where_the_settings_say_so(
    node: Node, start_broker: StartBroker, room: str
) -> None:
    """Section 8: when extensionsManageRooms is true."""
    clients = ["guest-1", "guest-2"]
    broker = start_broker(
        {name: {} for name in [*clients, "SillyTavern-1"]}, extensionsManageRooms=False
    )
    result = node(
        "rooms",
        "tended",
        url=broker.url,
        clientIds=clients,
        extension="SillyTavern-1",
        room=room,
    )
    joined = result.pop("joined")

    assert set(codes(result).values()) == {6, 303}
    assert result["create"]["code"] == 6
    assert joined == []


def test_rooms_and_members_have_limits(node: Node, start_broker: StartBroker) -> None:
    """Section 9: rooms per identity, the deleted ones not counted; members per room."""
    clients = [f"guest-{number}" for number in range(3)]
    trusted: dict[str, dict[str, Any]] = {name: {} for name in clients}
    broker = start_broker(
        trusted | MONITOR,
        monitorsMayGetKey=True,
        roomsPerIdentity=2,
        membersPerRoom=2,
    )
    result = node("rooms", "limits", url=broker.url, clientIds=clients)

    assert [ack.get("code") for ack in result["made"]] == [None, None, 10429, None]
    assert [ack.get("code") for ack in result["joined"]] == [None, 303]
    assert [ack["status"] for ack in result["monitors"]] == ["ok"] * 3
    assert "2 rooms already: delete one first" in result["made"][2]["message"]
    assert "2 members are the most there may be" in result["joined"][1]["message"]
    assert broker.reached("roomsPerIdentity") == 1
    assert broker.reached("membersPerRoom") == 1


def test_only_monitors_make_rooms_where_the_settings_say_so(
    node: Node, start_broker: StartBroker
) -> None:
    """Section 8: unless roomsByMonitorsOnly; SillyTaverns by their own setting."""
    broker = start_broker(
        {"guest": {}, "SillyTavern-1": {}} | MONITOR,
        monitorsMayGetKey=True,
        roomsByMonitorsOnly=True,
    )
    result = node(
        "rooms",
        "monitorsOnly",
        url=broker.url,
        clientId="guest",
        extension="SillyTavern-1",
    )

    assert codes(result) == {"guest": 6, "monitor": None, "tavern": None, "add": None}


def test_monitor_may_everything_everywhere(
    node: Node, monitored: Broker, names: Names, room: str
) -> None:
    """Section 8: in rooms it is not in, and against masters."""
    clients = names.clients(2)
    result = node("rooms", "monitored", url=monitored.url, clientIds=clients, room=room)

    assert result["look"] == clients
    assert [ack["status"] for ack in result["acks"]] == ["ok"] * 8
    assert result["deleted"]["roomName"] == room


# -- what lasts


def test_kicked_and_muted_stay_so_when_they_come_back(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 7: offline members keep role and mutes; a leave does not lift a mute."""
    clients = names.clients(3)
    result = node("rooms", "outcasts", url=broker.url, clientIds=clients, room=room)

    assert_out(result, room, clients)


def test_kicked_and_muted_stay_so_over_a_crash(
    node: Node, start_broker: StartBroker, room: str
) -> None:
    """Rooms, members, kicks and mutes are on disk before they are acked."""
    clients = ["guest-1", "guest-2", "guest-3"]
    broker = start_broker({name: {} for name in clients})
    party = {"url": broker.url, "clientIds": clients, "room": room}
    node("rooms", "outcasts", **party, stay=True)
    broker.kill()
    broker.restart()
    result = node("rooms", "found", **party)

    assert_out(result, room, clients)


def assert_out(result: dict[str, Any], room: str, clients: list[str]) -> None:
    """One is out for good, the other in and silent."""
    master, _, muted = clients

    assert result["said"]["code"] == 6
    assert result["rejoined"]["code"] == 303
    assert result["stillMuted"]["code"] == 6
    members = {each["identity"]: each for each in result["members"]}
    assert list(members) == [master, muted]
    assert members[master]["role"] == "master"
    assert members[muted]["mutedUntil"] > datetime.now(UTC).isoformat()
    (details,) = (each for each in result["details"] if each["roomName"] == room)
    assert details == {
        "roomName": room,
        "mode": "Default",
        "members": 2,
        "master": master,
        "open": True,
        "keep": True,
    }


def test_room_passes_to_its_longest_standing_manager_then_member(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 8: when a master leaves for good; section 7: empty rooms are deleted."""
    clients = names.clients(4)
    result = node("rooms", "succession", url=broker.url, clientIds=clients, room=room)
    first, second, third, fourth = clients

    assert result["masters"] == [third, second]
    assert (result["changed"]["identity"], result["changed"]["role"]) == (
        fourth,
        "master",
    )
    assert [(each["identity"], each["reason"]) for each in result["reasons"]] == [
        (first, "left"),
        (third, "left"),
        (second, "gone"),
    ]
    assert result["gone"]["code"] == 302


def test_deleted_room_is_no_more(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 8: by its master; event DELETE_ROOM to its members."""
    clients = names.clients(2)
    result = node("rooms", "deleting", url=broker.url, clientIds=clients, room=room)
    mine = result["after"].pop("mine")

    assert result["byManager"]["code"] == 6
    assert result["byMaster"]["status"] == "ok"
    assert result["told"]["roomName"] == room
    assert result["told"]["message"] == f"room {room} was deleted"
    assert codes(result["after"]) == {"said": 302, "order": 302, "again": 302}
    assert mine is False


def test_members_hear_what_the_others_are_doing(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 8: typing of members, processing of the extension that answers."""
    clients, extension = names.clients(3), names.extension()
    result = node(
        "rooms",
        "doing",
        url=broker.url,
        clientIds=clients,
        room=room,
        extension=extension,
    )
    guest = clients[1]

    assert [(each["identity"], each["status"]) for each in result["heard"]] == [
        (guest, "typing"),
        (guest, "idle"),
        (extension, "processing"),
        (extension, "idle"),
    ]
    assert {each["roomName"] for each in result["heard"]} == {room}
    assert all(each["timestamp"].endswith("Z") for each in result["heard"])
    assert result["terminal"] == ["completed"]
    assert result["stranger"]["code"] == 303
    assert result["nowhere"]["code"] == 3
    assert result["inRooms"]["status"] == "ok"
    assert result["overheard"] == []


def test_who_says_goodbye_only_rests_in_rooms_that_are_kept(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 7: an offline member of rooms with keep; it leaves the others."""
    clients = names.clients(2)
    result = node("rooms", "absence", url=broker.url, clientIds=clients, room=room)
    master, guest = clients

    assert result["left"] == {
        "identity": guest,
        "clientId": guest,
        "roomName": room,
        "reason": "gone",
    }
    kept = {each["identity"]: each for each in result["members"]["kept"]}
    assert (kept[guest]["role"], kept[guest]["online"]) == ("special", False)
    assert result["members"]["lost"] == [master]
    assert f"{room}-kept" in result["rooms"]
    assert room not in result["rooms"]
    assert [each["identity"] for each in result["joined"]] == clients


def test_short_absence_is_not_announced(
    node: Node, broker: Broker, names: Names, room: str
) -> None:
    """Section 7: coming back within the grace time is no leaving and joining."""
    clients = names.clients(2)
    result = node("rooms", "shortAbsence", url=broker.url, clientIds=clients, room=room)

    assert result["heard"] == ["ROOM_MODE_CHANGED"]
