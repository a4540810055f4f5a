"""The ladder in plain JAX: ``loop`` has the loop and its parts, every other file is a rung."""
