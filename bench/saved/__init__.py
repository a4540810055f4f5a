"""Saved models in use: images in, labels with probabilities out.

    from bench.saved import load
    model = load("results/NAME/models/RUN.safetensors")
    [prediction] = model.predict(["photo.png"])
    prediction.label, prediction.top, prediction.took_s

model.py     load, and what can be asked of a model

The file itself, a network with its card, is ``bench.saved_models``.
"""

from bench.saved.model import Guess, Model, Prediction, load
from bench.saved_models import SavedModelError

__all__ = ["Guess", "Model", "Prediction", "SavedModelError", "load"]
