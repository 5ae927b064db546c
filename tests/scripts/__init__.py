"""The helpers, as far as they judge."""
