"""The benchmarks, as far as they judge: what becomes of what was measured."""
