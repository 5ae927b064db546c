"""What is served over plain HTTP on the same port."""
