"""What ``FUNCTION_CALL`` can reach on the server."""
