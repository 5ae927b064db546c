"""Calls of functions at clients and SillyTaverns, and what these answer.

Pure. A callee answers with the result itself or in the envelope that callers get.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actors.errors import BrokerError, Code

ENVELOPE_FIELDS = ("result", "error", "requestId")


def forwarded(
    call: Mapping[str, Any], source: str, client: str | None = None
) -> dict[str, Any]:
    """A call as its callee sees it: as it came, but for who sends it."""
    return {**call, "source": source, "clientId": source if client is None else client}


def read_answer(args: list[Any]) -> Any:
    """The result in a callee's ack.

    Raises:
        BrokerError: the callee says that it failed.
    """
    answer = args[0] if args else None
    if not isinstance(answer, dict) or not _is_envelope(answer):
        return answer
    if answer["success"]:
        return answer.get("result")
    raise _refusal(answer.get("error"))


def _is_envelope(answer: dict[str, Any]) -> bool:
    return isinstance(answer.get("success"), bool) and any(
        field in answer for field in ENVELOPE_FIELDS
    )


def _refusal(error: Any) -> BrokerError:
    message, code = error, None
    if isinstance(error, dict):
        message, code = error.get("message"), error.get("code")
    if not isinstance(message, str) or not message:
        message = "the function failed where it was called"
    if not isinstance(code, int) or isinstance(code, bool):
        code = Code.FUNCTION_FAILED
    return BrokerError(message, code)
