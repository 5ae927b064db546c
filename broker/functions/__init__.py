"""What ``FUNCTION_CALL`` can reach on the server.

``from broker.functions import function`` is how files in ``settings/functions/``
begin; ``Context`` is there for those who annotate.
"""

from broker.functions.function import Context, function

__all__ = ["Context", "function"]
