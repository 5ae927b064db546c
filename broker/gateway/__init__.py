"""The thin layer between Socket.IO and the actors.

Events become actor messages; what actors publish becomes bytes in outboxes. No rule
of the domain lives here.
"""
