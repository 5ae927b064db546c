"""Functions that clients may call at the server, made by you.

Every file ``*.py`` in this folder is loaded when the broker starts, and again, within
two seconds, when it changes. If a file is broken, the log says in which line and why,
and the functions it had before stay as they were. This one may be changed or deleted.

A client calls a function by its name, in ``/function_call``:

    socket.emit('FUNCTION_CALL', {
      requestId: '1', target: 'server', functionName: 'roll_dice', args: [2, 6],
    }, (answer) => console.log(answer.result));

The rules:

* The first parameter is the context; what the client sends comes behind it. Clients
  send what they like: look at it before you use it.
* What is returned must be JSON: text, numbers, lists, dicts, None.
* An exception is answered with "the function failed", and the log has the whole of it.
* ``def`` runs in a thread of its own and may block. ``async def`` runs among everything
  else the broker does, so it must await what takes time.
* After ``functionTimeout`` (30 s) the client is told that it took too long.
* ``context.caller`` says who calls: ``.identity``, ``.client`` (the clientId) and
  ``.kind``. Every client with a key may call.
* ``context.call(target, name, *args)`` calls a function of a client or a SillyTavern
  that is connected to ``/function_call``, ``context.send(target, event, data)`` sends
  one an event in ``/llm``. In ``async def``, both are awaited.
"""

import secrets

from broker.functions import Context, function

MOST_DICE = 100
MOST_SIDES = 1_000


@function
def roll_dice(context: Context, dice: int = 1, sides: int = 6) -> dict[str, object]:
    """Roll dice where nobody can cheat: ``roll_dice(2, 6)`` rolls two of six sides."""
    if not isinstance(dice, int) or not isinstance(sides, int):
        return {"error": "dice and sides are whole numbers"}
    if not 1 <= dice <= MOST_DICE or not 1 <= sides <= MOST_SIDES:
        return {"error": f"at most {MOST_DICE} dice of {MOST_SIDES} sides"}
    rolls = [secrets.randbelow(sides) + 1 for _ in range(dice)]
    return {"by": context.caller.identity, "rolls": rolls, "total": sum(rolls)}
