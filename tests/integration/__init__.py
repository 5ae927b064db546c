"""A real broker process, driven by the clients that are in use.

The official ``socket.io-client`` and the unmodified stream library run in Node: one
scenario of ``js/`` a test, which says what was heard; the rule is asserted here.
"""
