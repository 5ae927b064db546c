"""The functions of the server: those it brings along, and the operator's.

Owns their names. What each may do for whom is its own to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from actors.errors import Code, NotFoundError, ProtocolError
from broker.functions.library import Library
from broker.functions.runner import Runner
from broker.functions.settings_reader import SettingsReader
from broker.functions.settings_writer import SettingsWriter
from broker.functions.static_resources import StaticResources
from broker.functions.visitor import Visitor

READ_JSON: Final = "readJsonFromFile"
SAVE_JSON: Final = "saveJsonToFile"
ADD_RESOURCES: Final = "addStaticResources"
LIST_FUNCTIONS: Final = "listFunctions"

BUILT_IN: Final[dict[str, tuple[str, ...]]] = {
    READ_JSON: ("path",),
    SAVE_JSON: ("path", "object"),
    ADD_RESOURCES: ("resources",),
    LIST_FUNCTIONS: (),
}
"""The server's own functions, and what they take."""

DESCRIPTIONS: Final = {
    READ_JSON: "Read a JSON file in settings/ or public/, without passwords.",
    SAVE_JSON: "Merge an object into one of your own files in settings/.",
    ADD_RESOURCES: "Serve files of public/, client/ or exampleClient/ under URLs.",
    LIST_FUNCTIONS: "List the functions of the server.",
}

OWN_ENVELOPE: Final = frozenset({READ_JSON, SAVE_JSON})
"""Functions whose result is in an envelope of its own, as their documents say."""


class ServerFunctions(msgspec.Struct, frozen=True, kw_only=True):
    """What clients may call at the server."""

    reader: SettingsReader
    writer: SettingsWriter
    resources: StaticResources
    library: Library
    runner: Runner

    async def call(self, name: str, args: list[Any], visitor: Visitor) -> Any:
        """Call a function; gives its result.

        Raises:
            BrokerError: there is none of that name, or it refused or failed.
        """
        parameters = BUILT_IN.get(name)
        if parameters is None:
            function = self.library.functions.get(name)
            if function is None:
                raise NotFoundError(
                    f"the server has no function {name!r}", Code.FUNCTION_NOT_FOUND
                )
            return await self.runner.run(function, args, visitor.caller)
        if len(args) != len(parameters):
            raise ProtocolError(
                f"it must be called as {name}({', '.join(parameters)})",
                Code.INVALID_ARGUMENTS,
            )
        built_in: dict[str, Callable[..., Any]] = {
            READ_JSON: self._read,
            SAVE_JSON: self._save,
            ADD_RESOURCES: self._add,
            LIST_FUNCTIONS: self._list,
        }
        return built_in[name](visitor, *args)

    def _read(self, visitor: Visitor, path: Any) -> dict[str, Any]:
        return {"success": True, "result": self.reader.read(path, visitor)}

    def _save(self, visitor: Visitor, path: Any, values: Any) -> dict[str, Any]:
        self.writer.save(path, values, visitor)
        return self._read(visitor, path)

    def _add(self, visitor: Visitor, wanted: Any) -> dict[str, Any]:
        return {"success": True, "urls": self.resources.add(wanted, visitor)}

    def _list(self, _visitor: Visitor) -> list[dict[str, Any]]:
        built_in = [
            {
                "name": name,
                "parameters": list(parameters),
                "description": DESCRIPTIONS[name],
            }
            for name, parameters in BUILT_IN.items()
        ]
        return built_in + [
            {
                "name": each.name,
                "parameters": each.parameters,
                "description": each.description,
            }
            for _, each in sorted(self.library.functions.items())
        ]
