"""What Prometheus is told: the broker's own counts, read when somebody asks.

Nothing here is called while a chunk passes. Everything is counted where it happens, in
plain numbers; only this package knows Prometheus.
"""
