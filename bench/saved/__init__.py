"""Saved models: a network with its card, written whole, and read without running anything in it.

    from bench.saved import load
    model = load("results/NAME/models/RUN.safetensors")
    [prediction] = model.predict(["photo.png"])
    prediction.label, prediction.top, prediction.took_s

cards.py     the card into a file and out of it
formats.py   the two kinds of file
model.py     load, and what can be asked of a model
error.py     SavedModelError
"""

from bench.saved.error import SavedModelError
from bench.saved.model import Guess, Model, Prediction, load

__all__ = ["Guess", "Model", "Prediction", "SavedModelError", "load"]
