"""The ladder in PyTorch: ``loop`` has the loop and its usual parts, every other file is a rung."""
