"""Long tries: the broker killed, starved, flooded and lied to."""
