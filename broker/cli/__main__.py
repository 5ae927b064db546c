"""``python -m broker.cli`` is ``tapster``."""

from broker.cli import main

main()
