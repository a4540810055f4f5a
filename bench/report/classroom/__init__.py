"""A class: the laptops whose files were shared, each beside its own PyTorch."""
