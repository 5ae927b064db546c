"""What talks to the outside: the gateway, the protocol, settings and commands.

``broker`` imports ``actors``; ``actors`` never imports ``broker``.
"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("tapster")
except PackageNotFoundError:  # run from a folder that was never installed
    __version__ = "0.0.0"
