"""What operators see of the house, put together for who watches it."""
