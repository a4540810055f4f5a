"""Saved models in use: read pictures, evaluate, export."""
