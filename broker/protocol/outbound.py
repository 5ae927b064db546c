"""What the actors' notices read like on the wire.

Pure: a notice in, bytes out. A chunk is put together from a prefix made once per
stream and the text as it came; nothing is decoded on its way.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from actors.errors import BrokerError, Code, UnavailableError
from actors.outbound import (
    OrderPlaced,
    OrderRevoked,
    OutputEnded,
    OutputId,
    Resumed,
    StatusChanged,
    Warned,
    WholeAnswer,
)
from broker.protocol.json_text import decode, encode
from broker.protocol.packet import PacketType, event, frame, prefix
from broker.protocol.wire import (
    SERVER,
    AnswerEvent,
    Event,
    MessageType,
    Namespace,
)

_LLM_EVENT: Final = prefix(PacketType.EVENT, Namespace.LLM)


class ChunkEncoder:
    """Encodes the chunks of one stream of an output under one event name."""

    __slots__ = ("_head", "stream")

    def __init__(self, name: str, output: OutputId, stream: str) -> None:
        self.stream = stream
        head = encode([name, stream_info(output, stream)])
        self._head = _LLM_EVENT + head[: -len(b"}]")] + b',"data":"'

    def chunk(self, text: bytes, index: int) -> bytes:
        """One chunk as a WebSocket frame."""
        return frame(b'%b%b","index":%d}]' % (self._head, text, index))

    def joined(self, text: bytes, first_index: int, index: int) -> bytes:
        """Several chunks in one."""
        return frame(
            b'%b%b","firstIndex":%d,"index":%d}]'
            % (self._head, text, first_index, index)
        )


def stream_info(output: OutputId, stream: str) -> dict[str, Any]:
    """What every word about an answer says of where it belongs."""
    return {
        "streamId": stream,
        "outputId": output.output_id,
        "requestId": output.request_id,
        "source": SERVER,
    }


def ended(name: str, notice: OutputEnded) -> bytes:
    """The end of an answer."""
    data = stream_info(notice.output, notice.stream)
    data |= {"status": notice.state, "chunks": notice.chunks}
    if notice.final_text is not None:
        data["finalText"] = notice.final_text
    return event(Namespace.LLM, name, data)


def whole_answer(notice: WholeAnswer) -> bytes:
    """An answer in one piece."""
    data = {
        "type": MessageType.NON_STREAM,
        "source": SERVER,
        "requestId": notice.output.request_id,
        "outputId": notice.output.output_id,
        "clientId": notice.extension_client,
        "data": decode(b'"%b"' % notice.text),
    }
    return event(Namespace.LLM, AnswerEvent.MESSAGE, data)


def status(notice: StatusChanged) -> bytes:
    """Where a request is."""
    data: dict[str, Any] = {
        "requestId": notice.request_id,
        "roomName": notice.room,
        "status": notice.state,
    }
    if notice.position is not None:
        data["position"] = notice.position
    if notice.extension is not None:
        data["extension"] = notice.extension
    if notice.response_id is not None:
        data["responseId"] = notice.response_id
    if notice.error is not None:
        data["error"] = {"message": notice.error}
        if notice.code is not None:
            data["error"]["code"] = int(notice.code)
    return event(Namespace.LLM, Event.REQUEST_STATUS_UPDATE, data)


def order(notice: OrderPlaced) -> bytes:
    """A request, as its extension sees it."""
    order_ = notice.order
    current = {
        "requestId": notice.request,
        "requestingIdentity": order_.requester,
        "role": order_.role,
        "message": order_.message,
        "data": order_.data,
        "requestType": order_.request_type or "newMessage",
    }
    data = {
        **order_.extra,
        **{key: value for key, value in current.items() if value is not None},
        "target": notice.extension,
        "targetRoom": order_.room,
        "mode": order_.mode,
        "isStreaming": order_.streaming,
        "source": SERVER,
        "currentRequest": current,
        "context": [msgspec.Raw(message) for message in notice.context],
    }
    if order_.messages is not None:
        data["messages"] = order_.messages
    return event(Namespace.LLM, Event.LLM_REQUEST, data)


def revoked(notice: OrderRevoked) -> bytes:
    """A request its extension must stop answering."""
    return event(Namespace.LLM, Event.CANCEL_REQUEST, {"requestId": notice.request})


def warned(notice: Warned) -> bytes:
    """Something a peer ought to know of."""
    data: dict[str, Any] = {
        "type": Event.WARNING,
        "code": notice.code,
        "message": notice.message,
    }
    if notice.request_id is not None:
        data["requestId"] = notice.request_id
    return event(Namespace.LLM, Event.WARNING, data)


def farewell(namespace: str, seconds: float) -> bytes:
    """The broker stops; how long to stay away after it has closed the connection."""
    data = {
        "type": Event.WARNING,
        "code": int(Code.UNAVAILABLE),
        "message": f"the broker stops: come back {seconds:g} s after it has closed",
        "retryAfter": seconds,
    }
    return event(namespace, Event.WARNING, data)


def turned_away(seconds: float) -> dict[str, Any]:
    """The broker stops and takes no connections; when to try again."""
    error = UnavailableError(f"the broker stops: try again in {seconds:g} s")
    return {**refusal(error), "retryAfter": seconds}


def resumed(result: Resumed) -> dict[str, Any]:
    """What a reader missed, as the fields of an ack."""
    outputs = []
    for missed in result.outputs:
        output: dict[str, Any] = {
            "outputId": missed.output.output_id,
            "streamId": missed.stream,
            "next": missed.next_index,
            "text": decode(b'"%b"' % missed.text),
            "done": missed.done,
        }
        if missed.final_text is not None:
            output["finalText"] = missed.final_text
        outputs.append(output)
    answer: dict[str, Any] = {"state": result.state, "outputs": outputs}
    if result.error is not None:
        answer["error"] = {"message": result.error}
    return answer


def ok(fields: dict[str, Any]) -> dict[str, Any]:
    """A good answer."""
    return {"status": "ok", "success": True, **fields}


def refusal(error: BrokerError) -> dict[str, Any]:
    """An answer that is an error."""
    return {
        "status": "error",
        "success": False,
        "message": error.message,
        "code": int(error.code),
    }
