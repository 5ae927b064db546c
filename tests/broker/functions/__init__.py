"""Tests of what FUNCTION_CALL can reach."""
