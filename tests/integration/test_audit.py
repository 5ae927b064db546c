"""What monitors do stands in the audit log, and what guests do does not."""

from __future__ import annotations

import json
from typing import Any

from tests.broker.gateway.raw_client import RawSocket, connected

from .harness import Broker, StartBroker


def actions(broker: Broker) -> list[dict[str, Any]]:
    """The second lines of all records of the audit log."""
    lines = (broker.data / "logs" / "audit.log").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


async def come(socket: RawSocket, *namespaces: str, **auth: Any) -> str:
    """Ask for a key, and join with it; gives the key."""
    await socket.join("/auth", key="getKey", **auth)
    told = json.loads((await socket.heard('42/auth,["GET_CLIENT_KEY",'))[:-1])
    for namespace in namespaces:
        assert await socket.join(namespace, **auth, key=told["key"]) == {}
    return str(told["key"])


async def test_actions_of_a_monitor_are_written_down(start_broker: StartBroker) -> None:
    """Who, from where, what, about whom, and what came of it; no key, no password."""
    own = start_broker({"guest": {}, "other": {}}, monitorsMayGetKey=True)
    async with connected(own.url) as boss, connected(own.url) as guest:
        auth = {"clientId": "monitor", "clientType": "monitor"}
        spaces = ("/debug", "/clients", "/rooms", "/function_call")
        await come(boss, *spaces, **auth)
        await come(guest, "/rooms", "/debug", clientId="guest")
        made = await boss.ask("/debug", "MAKE_KEY", {"clientId": "other"})
        await boss.ask("/debug", "REVOKE_KEY", {"clientId": "other", "keyId": "x"})
        await boss.ask("/debug", "TRUST_CLIENT", {"clientId": "new", "trusted": True})
        await boss.ask("/debug", "TOGGLE_DEBUG_MODE")
        await boss.ask("/debug", "REMOVE_EXTENSION", {"identity": "nobody"})
        await boss.ask("/rooms", "SET_CONNECTION_POLICY", {"policy": "Manual"})
        await guest.ask("/rooms", "CREATE_ROOM", {"roomName": "bar", "open": True})
        await boss.ask("/rooms", "JOIN_ROOM", {"roomName": "bar"})
        await boss.ask(
            "/rooms", "KICK_MEMBER", {"roomName": "bar", "targetIdentity": "guest"}
        )
        await boss.ask("/rooms", "DELETE_ROOM", {"roomName": "bar"})
        call = {
            "requestId": "1",
            "functionName": "saveJsonToFile",
            "args": [
                "settings/other-settings.json",
                {"isTrust": True, "clientId": "other", "sillyTavernPassWord": "hush"},
            ],
            "target": "server",
        }
        saved = await boss.ask("/function_call", "FUNCTION_CALL", call)
        refused = await guest.ask("/debug", "MAKE_KEY", {"clientId": "other"})
        page = await boss.ask("/debug", "READ_LOG", {"filename": "audit.log"})
    own.stop()
    noted = actions(own)
    text = (own.data / "logs" / "audit.log").read_text("utf-8")

    assert (made["status"], saved["success"], refused["code"]) == ("ok", True, 6)
    assert [(each["what"], each["outcome"], each["about"]) for each in noted] == [
        ("MAKE_KEY", "done", {"clientId": "other", "monitor": False}),
        ("REVOKE_KEY", "refused", {"clientId": "other", "keyId": "x"}),
        ("TRUST_CLIENT", "done", {"clientId": "new", "trusted": True}),
        ("TOGGLE_DEBUG_MODE", "done", {}),
        ("REMOVE_EXTENSION", "refused", {"identity": "nobody"}),
        ("SET_CONNECTION_POLICY", "done", {"policy": "Manual"}),
        ("KICK_MEMBER", "done", {"roomName": "bar", "targetIdentity": "guest"}),
        ("DELETE_ROOM", "done", {"roomName": "bar"}),
        (
            "FUNCTION_CALL",
            "done",
            {
                "functionName": "saveJsonToFile",
                "path": "settings/other-settings.json",
                "fields": ["clientId", "isTrust", "sillyTavernPassWord"],
            },
        ),
    ]
    assert {(each["who"], each["from"]) for each in noted} == {("monitor", "127.0.0.1")}
    assert noted[0]["result"] == {"keyId": made["keyId"]}
    assert (page["status"], page["total"]) == ("ok", len(noted))
    assert made["key"].rpartition("_")[2] not in text
    assert "hush" not in text
