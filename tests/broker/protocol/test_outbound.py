"""What the actors' notices read like on the wire: golden text."""

from __future__ import annotations

from typing import Any

import pytest

from actors.errors import Code, NotFoundError, RefusedError
from actors.lifecycle import RequestState
from actors.outbound import (
    Order,
    OrderPlaced,
    OrderRevoked,
    OutputEnded,
    OutputId,
    Resumed,
    ResumedOutput,
    StatusChanged,
    Warned,
    WholeAnswer,
)
from broker.protocol import outbound
from broker.protocol.packet import unframe
from broker.protocol.wire import AnswerEvent

OUTPUT = OutputId("key", "broker-id", 'r"1', "o")
INFO = '"streamId":"s","outputId":"o","requestId":"r\\"1","source":"server"'


def text(framed: bytes) -> str:
    """The packet in a WebSocket frame."""
    return unframe(framed).decode()


def test_a_chunk_is_its_text_between_what_never_changes() -> None:
    """The text is passed on as it came."""
    encoder = outbound.ChunkEncoder(AnswerEvent.STREAMED_DATA, OUTPUT, "s")
    framed = encoder.chunk('a\\n"é'.replace('"', '\\"').encode(), 7)

    assert text(framed) == (
        f'42/llm,["streamed_data",{{{INFO},"data":"a\\n\\"é","index":7}}]'
    )


def test_joined_chunks_tell_the_first_and_the_last() -> None:
    """For a slow reader."""
    encoder = outbound.ChunkEncoder(AnswerEvent.SERVER_STREAM_DATA, OUTPUT, "s")

    assert text(encoder.joined(b"abc", 2, 4)) == (
        f'42/llm,["SERVER_STREAM_DATA",{{{INFO},"data":"abc","firstIndex":2,"index":4}}]'
    )


@pytest.mark.parametrize(
    ("final_text", "more"), [(None, ""), ("Hello", ',"finalText":"Hello"')]
)
def test_an_end_tells_how_and_after_how_many_chunks(
    final_text: str | None, more: str
) -> None:
    """And the final text where it differs."""
    notice = OutputEnded(OUTPUT, "s", RequestState.COMPLETED, 3, final_text)

    assert text(outbound.ended(AnswerEvent.STREAMED_END, notice)) == (
        f'42/llm,["streamed_end",{{{INFO},"status":"completed","chunks":3{more}}}]'
    )


def test_a_whole_answer_is_a_message_of_type_0() -> None:
    """In the name of the server, with the extension's clientId."""
    notice = WholeAnswer(OUTPUT, b"a\\nb", "tavern")

    assert text(outbound.whole_answer(notice)) == (
        '42/llm,["message",{"type":0,"source":"server","requestId":"r\\"1",'
        '"outputId":"o","clientId":"tavern","data":"a\\nb"}]'
    )


@pytest.mark.parametrize(
    ("fields", "more"),
    [
        ({}, ""),
        ({"position": 2, "extension": "t"}, ',"position":2,"extension":"t"'),
        ({"response_id": "x"}, ',"responseId":"x"'),
        (
            {"error": "too late", "code": Code.TIMEOUT},
            ',"error":{"message":"too late","code":8}',
        ),
        ({"error": "cancelled by web"}, ',"error":{"message":"cancelled by web"}'),
    ],
)
def test_a_status_says_what_there_is_to_say(fields: dict[str, Any], more: str) -> None:
    """And nothing that is not there."""
    notice = StatusChanged(
        request_id="r", room="web", state=RequestState.SENT, **fields
    )

    assert text(outbound.status(notice)) == (
        '42/llm,["REQUEST_STATUS_UPDATE",'
        f'{{"requestId":"r","roomName":"web","status":"sent"{more}}}]'
    )


def test_an_order_has_flat_fields_and_the_current_request() -> None:
    """For older and for newer extensions; the id is the broker's."""
    order = Order(
        request_id="r",
        requester="web",
        room="lobby",
        message="hi",
        extra={"temperature": 0.7},
    )

    assert text(outbound.order(OrderPlaced("broker-id", order, "tavern"))) == (
        '42/llm,["LLM_REQUEST",{"temperature":0.7,"requestId":"broker-id",'
        '"requestingIdentity":"web","role":"master","message":"hi",'
        '"requestType":"newMessage","target":"tavern","targetRoom":"lobby",'
        '"mode":"Default","isStreaming":true,"source":"server",'
        '"currentRequest":{"requestId":"broker-id","requestingIdentity":"web",'
        '"role":"master","message":"hi","data":null,"requestType":"newMessage"},'
        '"context":[]}]'
    )


def test_an_order_with_messages_of_its_own_passes_them_on() -> None:
    """With its data and its type."""
    order = Order(
        request_id="r",
        requester="web",
        room="web",
        data={"prompt": "hi"},
        messages=[{"role": "user", "content": "hi"}],
        request_type="regenerateMessage",
        streaming=False,
    )

    assert text(outbound.order(OrderPlaced("b", order, "tavern"))) == (
        '42/llm,["LLM_REQUEST",{"requestId":"b","requestingIdentity":"web",'
        '"role":"master","data":{"prompt":"hi"},"requestType":"regenerateMessage",'
        '"target":"tavern","targetRoom":"web","mode":"Default","isStreaming":false,'
        '"source":"server","currentRequest":{"requestId":"b",'
        '"requestingIdentity":"web","role":"master","message":null,'
        '"data":{"prompt":"hi"},"requestType":"regenerateMessage"},"context":[],'
        '"messages":[{"role":"user","content":"hi"}]}]'
    )


def test_a_client_does_not_overwrite_what_the_broker_says() -> None:
    """Fields nobody knows come first and lose."""
    order = Order(
        request_id="r",
        requester="web",
        room="web",
        message="hi",
        extra={"mode": "Separate", "source": "me", "requestingIdentity": "boss"},
    )
    read = text(outbound.order(OrderPlaced("b", order, "tavern")))

    assert "Separate" not in read
    assert "boss" not in read


def test_a_revoked_order_names_the_request() -> None:
    """By the broker's id."""
    assert text(outbound.revoked(OrderRevoked("b"))) == (
        '42/llm,["CANCEL_REQUEST",{"requestId":"b"}]'
    )


@pytest.mark.parametrize(
    ("request_id", "more"), [(None, ""), ("b", ',"requestId":"b"')]
)
def test_a_warning_has_a_code_and_a_sentence(request_id: str | None, more: str) -> None:
    """The shape of an error without an ack."""
    notice = Warned(Code.WARNING_UNKNOWN_STREAM, "dropped", request_id)

    assert text(outbound.warned(notice)) == (
        f'42/llm,["WARNING",{{"type":"WARNING","code":71,"message":"dropped"{more}}}]'
    )


def test_what_was_missed_is_one_text_for_each_output() -> None:
    """Decoded, for an ack."""
    open_output = {"streamId": "s", "next": 3, "text": "a\nb", "done": False}
    outputs = (
        ResumedOutput(OUTPUT, "s", 3, b"a\\nb", None, done=False),
        ResumedOutput(OUTPUT, "s", 4, b"x ", "x", done=True),
    )

    assert outbound.resumed(Resumed(RequestState.STREAMING, outputs)) == {
        "state": "streaming",
        "outputs": [
            {"outputId": "o", **open_output},
            {
                "outputId": "o",
                "streamId": "s",
                "next": 4,
                "text": "x ",
                "done": True,
                "finalText": "x",
            },
        ],
    }


def test_what_was_missed_of_a_failed_request_tells_why() -> None:
    """Though nothing came."""
    assert outbound.resumed(Resumed(RequestState.FAILED, (), "no model")) == {
        "state": "failed",
        "outputs": [],
        "error": {"message": "no model"},
    }


def test_a_good_answer_says_so_twice() -> None:
    """``success`` is for clients that look at that."""
    assert outbound.ok({"a": 1}) == {"status": "ok", "success": True, "a": 1}


def test_a_refusal_has_a_sentence_and_a_code() -> None:
    """The class's own or another."""
    assert outbound.refusal(NotFoundError("gone")) == {
        "status": "error",
        "success": False,
        "message": "gone",
        "code": 7,
    }
    assert outbound.refusal(RefusedError("full", 303))["code"] == 303
