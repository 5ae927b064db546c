"""What has a mailbox: clients, rooms, SillyTavern instances, requests.

Knows nothing of Socket.IO, HTTP or JSON. Nothing here imports ``broker``; what
must reach the outside goes through the port in ``actors.outbound``.
"""
