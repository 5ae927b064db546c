"""What clients and extensions send."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actors.errors import Code, ProtocolError
from actors.outbound import Order
from actors.output import Piece
from actors.roles import Caller
from broker.protocol.inbound import (
    CancelRequest,
    ExtensionError,
    Frame,
    FunctionCall,
    IdentifySillyTavern,
    KeyRequest,
    LlmRequest,
    Login,
    ResumeStream,
    StreamFrame,
    Untyped,
    make_order,
    read_frame,
    read_stream_event,
    read_stream_packet,
)
from broker.protocol.room_frames import RoomMember, RoomName
from broker.protocol.wire import STREAM_EVENT_TYPES, PlainStreamEvent

ALL_STREAM_EVENTS = sorted(STREAM_EVENT_TYPES)


def packet(name: str, fields: str) -> bytes:
    """A stream event's packet as an extension sends it."""
    return f'42/llm,["{name}",{fields}]'.encode()


# -- the fast lane


@pytest.mark.parametrize("name", ALL_STREAM_EVENTS)
def test_every_stream_event_is_read_under_both_names(name: str) -> None:
    """Golden text of a chunk, as the documents have it."""
    data = packet(
        name,
        '{"type":4,"chunkIndex":3,"data":"Hel\\nlo \\ud83c\\udf7a","streamId":"s",'
        '"outputId":"o","requestId":"r","source":"x","clientId":"me","target":"t"}',
    )
    event = read_stream_packet(data)

    assert event is not None
    assert event.type == STREAM_EVENT_TYPES[name]
    assert event.piece == Piece(b"Hel\\nlo \\ud83c\\udf7a")
    frame = event.frame
    assert (frame.request_id, frame.stream_id, frame.output_id) == ("r", "s", "o")
    assert frame.chunk_index == 3


def test_an_end_is_read_with_its_final_text() -> None:
    """Golden text."""
    data = packet(
        PlainStreamEvent.END,
        '{"streamId":"s","requestId":"r","final":true,"finalText":"Hello"}',
    )
    event = read_stream_packet(data)

    assert event is not None
    assert (event.frame.final, event.frame.final_text) == (True, "Hello")
    assert event.piece == Piece(b"")


def test_a_failure_is_read_with_its_reason() -> None:
    """Golden text."""
    data = packet(
        PlainStreamEvent.DATA_FAILED,
        '{"streamId":"s","requestId":"r","message":"no","code":10429}',
    )
    event = read_stream_packet(data)

    assert event is not None
    assert (event.frame.message, event.frame.code) == ("no", 10_429)


GOOD = '{"streamId":"s","requestId":"r","data":"Hello"}'

NOT_FAST = {
    "another namespace": b'42/rooms,["STREAM_START",' + GOOD.encode() + b"]",
    "another event": packet("LLM_REQUEST", GOOD),
    "with an ack": b'42/llm,7["STREAM_START",' + GOOD.encode() + b"]",
    "an ack": b"43/llm,7[]",
    "a ping": b"2",
    "nothing": b"",
    "cut in the name": b'42/llm,["STREAM_START',
    "cut behind the name": b'42/llm,["STREAM_START"',
    "cut behind the comma": b'42/llm,["STREAM_START",',
    "cut in the data": packet("STREAM_START", GOOD)[:-8],
    "two arguments": packet("STREAM_START", GOOD + ",1"),
    "no data": b'42/llm,["STREAM_START"]',
    "no object": packet("STREAM_START", '"s"'),
    "no requestId": packet("STREAM_START", '{"streamId":"s"}'),
    "no streamId": packet("STREAM_START", '{"requestId":"r"}'),
    "a number for an id": packet("STREAM_START", '{"streamId":1,"requestId":"r"}'),
    "an index that is a text": packet(
        "STREAM_START", '{"streamId":"s","requestId":"r","chunkIndex":"0"}'
    ),
    **{
        f"data {data!r}": b'42/llm,["STREAM_START",{"streamId":"s","requestId":"r",'
        b'"data":' + data + b"}]"
        for data in (
            b"null",
            b"1",
            b'{"a":1}',
            b'["a"]',
            b'"a\\ud83c"',
            b'"\\udf7aa"',
            b'"\\x"',
            b'"\\u12"',
            b'"a\nb"',
            b'"\xff"',
            b'"\xed\xa0\x80"',
            b'"open',
        )
    },
}


@pytest.mark.parametrize("data", NOT_FAST.values(), ids=NOT_FAST.keys())
def test_everything_else_takes_the_plain_path(data: bytes) -> None:
    """It knows what to say of lone surrogates, other types and broken packets."""
    assert read_stream_packet(data) is None


def test_packet_deeper_than_was_set_takes_the_plain_path() -> None:
    """Which refuses it."""
    deep = packet("STREAM_START", GOOD.replace("{", '{"x":[[[[1]]]],', 1))

    assert read_stream_packet(deep) is not None
    assert read_stream_packet(deep, 6) is not None
    assert read_stream_packet(deep, 5) is None


LENIENT = {
    "no closing bracket": packet("STREAM_START", GOOD)[:-1] + b"}",
    "no comma": packet("STREAM_START", GOOD).replace(b'",', b'"x', 1),
}


@pytest.mark.parametrize("data", LENIENT.values(), ids=LENIENT.keys())
def test_a_malformed_packet_takes_the_plain_path(data: bytes) -> None:
    """Both paths refuse the same."""
    assert read_stream_packet(data) is None


RAISING = {
    "an id that is no UTF-8": b'42/llm,["STREAM_START",'
    b'{"streamId":"\xff","requestId":"r"}]',
    "deeper than the stack": packet(
        "STREAM_START",
        '{"streamId":"s","requestId":"r","x":' + "[" * 5_000 + "]" * 5_000 + "}",
    ),
}


@pytest.mark.parametrize("data", RAISING.values(), ids=RAISING.keys())
def test_no_packet_makes_the_fast_lane_raise(data: bytes) -> None:
    """A peer's fault must not look like one of ours."""
    assert read_stream_packet(data) is None


# -- the plain path


@pytest.mark.parametrize("name", ALL_STREAM_EVENTS)
@pytest.mark.parametrize(
    "fields",
    [
        GOOD,
        '{"streamId":"s","requestId":"r"}',
        '{"streamId":"s","requestId":"r","outputId":"o","chunkIndex":0,"data":""}',
        '{"streamId":"s","requestId":"r","data":"é🍺\\n\\"\\\\","final":true}',
        '{"streamId":"s","requestId":"r","message":"no","code":3,"finalText":"x"}',
    ],
)
def test_both_paths_read_the_same(name: str, fields: str) -> None:
    """The fast lane is only faster."""
    fast = read_stream_packet(packet(name, fields))
    plain = read_stream_event(name, json.loads(fields))

    assert fast is not None
    assert (fast.type, fast.piece) == (plain.type, plain.piece)
    assert without_data(fast.frame) == without_data(plain.frame)


def without_data(frame: StreamFrame) -> dict[str, Any]:
    """All fields but the text, which the event has as a piece."""
    names = set(StreamFrame.__struct_fields__) - {"data"}
    return {name: getattr(frame, name) for name in sorted(names)}


@pytest.mark.parametrize(
    ("data", "piece"),
    [
        ("a\ud83c", Piece(b"a", b"", b"\\ud83c")),
        (None, Piece(b"")),
        (5, Piece(b"5")),
        ({"a": "b"}, Piece(b'{\\"a\\":\\"b\\"}')),
    ],
)
def test_the_plain_path_takes_any_data(data: Any, piece: Piece) -> None:
    """Halves of characters are kept, what is no text becomes its JSON."""
    fields = {"streamId": "s", "requestId": "r", "data": data}

    assert read_stream_event("STREAM_START", fields).piece == piece


def test_the_plain_path_takes_lone_surrogates_in_any_data() -> None:
    """What is no text may hold half a character as well."""
    fields = {"streamId": "s", "requestId": "r", "data": {"a": "\ud83c"}}
    event = read_stream_event("STREAM_START", fields)

    assert event.piece == Piece('{\\"a\\":\\"\ufffd\\"}'.encode())


@pytest.mark.parametrize("data", [None, "s", 5, ["s"]])
def test_a_stream_event_without_an_object_is_refused(data: Any) -> None:
    """It names the event."""
    with pytest.raises(ProtocolError, match="STREAM_END") as caught:
        read_stream_event("STREAM_END", data)

    assert caught.value.code == Code.INVALID_REQUEST


@pytest.mark.parametrize("text", ["é" * 513, ["a" * 1_024]])
def test_the_length_of_a_message_is_its_bytes(text: Any) -> None:
    """Whatever it is made of."""
    with pytest.raises(ProtocolError, match="bytes"):
        order_of({"data": text})


def test_a_stream_event_without_an_id_is_refused() -> None:
    """It says which."""
    with pytest.raises(ProtocolError, match="requestId"):
        read_stream_event("STREAM_END", {"streamId": "s"})


# -- frames


@pytest.mark.parametrize(
    ("kind", "bare", "fields"),
    [
        (CancelRequest, "r", {"requestId": "r"}),
        (KeyRequest, "web", {"clientId": "web"}),
        (RoomName, "lobby", {"roomName": "lobby"}),
    ],
)
def test_a_bare_text_means_the_one_field(
    kind: type[Frame], bare: str, fields: dict[str, str]
) -> None:
    """Clients send ``CREATE_ROOM "lobby"``."""
    assert read_frame(kind, bare) == read_frame(kind, fields)


@pytest.mark.parametrize("data", [None, {}])
def test_no_data_means_no_fields(data: Any) -> None:
    """``{}`` and ``null`` are the same."""
    assert read_frame(KeyRequest, data) == KeyRequest()


@pytest.mark.parametrize("data", [None, "x", 5, {"a": 1}])
def test_an_untyped_event_takes_anything(data: Any) -> None:
    """Its data is read as it stands."""
    assert read_frame(Untyped, data) == Untyped()


def test_unknown_fields_are_no_error() -> None:
    """Clients say more than the protocol knows."""
    frame = read_frame(RoomName, {"roomName": "lobby", "colour": "red"})

    assert frame.room_name == "lobby"


def test_every_field_is_read_under_its_wire_name() -> None:
    """Golden data."""
    frame = read_frame(
        LlmRequest,
        {
            "requestId": "r",
            "target": ["a", "b"],
            "targetRoom": "lobby",
            "message": "hi",
            "data": {"prompt": "hi"},
            "messages": [{"role": "user", "content": "hi"}],
            "requestType": "regenerateMessage",
            "isStreaming": False,
            "timeout": 1.5,
        },
    )

    assert frame == LlmRequest(
        request_id="r",
        target=["a", "b"],
        target_room="lobby",
        message="hi",
        data={"prompt": "hi"},
        messages=[{"role": "user", "content": "hi"}],
        request_type="regenerateMessage",
        is_streaming=False,
        timeout=1.5,
    )


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        (LlmRequest, {}, "requestId"),
        (LlmRequest, {"requestId": ""}, "requestId"),
        (LlmRequest, {"requestId": "r" * 129}, "requestId"),
        (LlmRequest, {"requestId": 5}, "requestId"),
        (LlmRequest, {"requestId": "r", "timeout": 0}, "timeout"),
        (LlmRequest, {"requestId": "r", "target": 5}, "target"),
        (LlmRequest, {"requestId": "r", "target": [5]}, "target"),
        (LlmRequest, {"requestId": "r", "isStreaming": "no"}, "isStreaming"),
        (ResumeStream, {"requestId": "r", "from": "1"}, "from"),
        (ResumeStream, {"requestId": "r", "from": {"o": "1"}}, "from"),
        (ExtensionError, {"requestId": "r", "code": "x"}, "code"),
        (IdentifySillyTavern, {"capacity": 0}, "capacity"),
        (IdentifySillyTavern, {"capacity": 1_001}, "capacity"),
        (IdentifySillyTavern, {"context": -1}, "context"),
        (IdentifySillyTavern, {"running": "r"}, "running"),
        (Login, {}, "password"),
        (FunctionCall, {}, "functionName"),
        (FunctionCall, {"functionName": "f", "args": "x"}, "args"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(
    kind: type[Frame], data: dict[str, Any], field: str
) -> None:
    """So that who wrote the client finds it."""
    with pytest.raises(ProtocolError, match=field):
        read_frame(kind, data)


@pytest.mark.parametrize("data", [5, ["r"], True])
def test_data_that_is_no_object_is_refused(data: Any) -> None:
    """Where no bare value is meant."""
    with pytest.raises(ProtocolError):
        read_frame(LlmRequest, data)


def test_a_member_is_named_by_identity_or_client_id() -> None:
    """The identity counts where both are there."""
    both = RoomMember(room_name="lobby", identity="tab", client_id="web")
    one = RoomMember(room_name="lobby", client_id="web")

    assert (both.who, one.who) == ("tab", "web")


@pytest.mark.parametrize("name", [None, "", "a\nb", "a" * 129])
def test_a_member_must_be_named(name: str | None) -> None:
    """By a name that can be one."""
    with pytest.raises(ProtocolError):
        _ = RoomMember(room_name="lobby", identity=name).who


# -- orders

MAX_TEXT = 1_024


def order_of(fields: dict[str, Any]) -> Order:
    """The order that ``web`` makes with these fields."""
    data = {"requestId": "r", **fields}
    caller = Caller("web", "web")
    return make_order(read_frame(LlmRequest, data), data, caller, MAX_TEXT)


@pytest.mark.parametrize(
    ("target", "targets"),
    [
        (None, ()),
        ("auto", ()),
        ("", ()),
        ([], ()),
        ("a", ("a",)),
        (["a"], ("a",)),
        (["a", "b"], ("a", "b")),
    ],
)
def test_a_target_is_nobody_one_or_many(target: Any, targets: tuple[str, ...]) -> None:
    """Absent, ``auto`` and empty mean that the policy chooses."""
    assert order_of({"message": "hi", "target": target}).targets == targets


def test_an_order_is_said_in_the_requesters_own_room() -> None:
    """Unless it names another."""
    assert order_of({"message": "hi"}).room == "web"
    assert order_of({"message": "hi", "targetRoom": "lobby"}).room == "lobby"


def test_fields_that_nobody_knows_are_passed_on() -> None:
    """Untouched; what the broker stamps is not among them."""
    unknown = {"temperature": 0.7, "nested": {"a": [1]}}
    stamped = {"role": "master", "source": "web", "clientId": "other"}
    order = order_of({"message": "hi", **unknown, **stamped})

    assert order.extra == unknown
    assert order.requester == "web"


def test_known_fields_have_their_places() -> None:
    """They are not passed on twice."""
    order = order_of(
        {
            "data": {"prompt": "hi"},
            "messages": [{"role": "user"}],
            "requestType": "newMessage",
            "isStreaming": False,
            "timeout": 5,
        }
    )

    assert order == Order(
        request_id="r",
        requester="web",
        client="web",
        room="web",
        data={"prompt": "hi"},
        messages=[{"role": "user"}],
        request_type="newMessage",
        streaming=False,
        timeout=5.0,
    )


def test_an_order_must_say_something() -> None:
    """``message``, ``data`` or ``messages``."""
    with pytest.raises(ProtocolError, match="message or data"):
        order_of({"target": "a"})


@pytest.mark.parametrize("field", ["message", "data", "messages"])
def test_one_of_three_fields_is_enough(field: str) -> None:
    """Each can hold what is to be answered."""
    assert order_of({field: ["hi"]}).request_id == "r"


def test_a_message_is_only_so_long() -> None:
    """So many bytes pass, one more does not."""
    assert order_of({"message": "a" * MAX_TEXT}).message

    with pytest.raises(ProtocolError) as caught:
        order_of({"message": "a" * (MAX_TEXT + 1)})
    assert caught.value.code == Code.INVALID_REQUEST
