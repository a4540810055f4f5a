"""The words of a study's page, each explained once: where it stands, and in its list of words."""

from __future__ import annotations

from bench.report.web.glossary import GLOSSARY

# Words that mean the same on the page of the results.
SHARED = ("batch size", "seed")

WORDS: dict[str, str] = {
    **{word: GLOSSARY[word] for word in SHARED},
    "95 % interval": (
        "Where the true value plausibly lies: intervals made this way contain the truth about 95 "
        "times in 100. That of an accuracy is for the number of test images, that of a difference "
        "is over the seeds."
    ),
    "AdaBoost": (
        "Networks that are trained one after the other: each pays more heed to the images that "
        "those before it got wrong. They answer by weighted votes."
    ),
    "augmentation": (
        "Training images are distorted a little, anew in every epoch, so that the network sees "
        "more ways to write the same class."
    ),
    "checkpoint": (
        "The weights as they were at one moment of training. The one with the lowest validation "
        "loss is kept, saved and tested."
    ),
    "cross-entropy": (
        "The loss: minus the natural logarithm of the probability that the network gives to the "
        "right class, mean over images. 0 is certainty."
    ),
    "dropout": (
        "In training, units are switched off at random, so that the network does not rely on any "
        "one of them. When it answers, all are on."
    ),
    "ensemble": "Several networks that answer together, with the mean of their probabilities.",
    "epoch": "Once through all training images.",
    "F1": "The harmonic mean of precision and recall: high only where both are.",
    "geometric mean": (
        "The mean of factors: 2 times and 0.5 times average to 1. It is how ratios are averaged."
    ),
    "Holm": (
        "A correction of p for the number of comparisons: whoever looks at many pairs finds a "
        "small p somewhere."
    ),
    "Jaccard": "What two sets share, as a share of all that is in either of them.",
    "logarithmic": "Equal distances on the axis are equal factors.",
    "macro": "A mean over classes in which each class counts alike, however few images it has.",
    "McNemar's": (
        "A test of two models on the same images. It looks only at images that one of them gets "
        "wrong and the other right: if both are equally good, either side is as likely."
    ),
    "nearest neighbour": "The images that differ least from an image, by Euclidean distance.",
    "overfit": (
        "The network learns its training images by heart: their loss falls, while that of other "
        "images rises."
    ),
    "penultimate layer": (
        "The last hidden layer: the numbers from which the network's last layer tells the classes."
    ),
    "precision": "Of the images taken for a class, the share that are of it.",
    "principal component": (
        "A direction in which the images differ most, found from their covariance. The first few "
        "hold most of the variance."
    ),
    "recall": "Of the images of a class, the share that were found.",
    "silhouette": (
        "How much nearer an image is to its own class than to the next one: 1 where classes lie "
        "apart, 0 where they touch, below 0 where they are mixed."
    ),
    "standard deviation": "How far values lie from their mean: the root of the mean square.",
    "superpixel": "A patch of neighbouring pixels of about one brightness, taken as one unit.",
    "t-SNE": (
        "A flat picture in which neighbours stay neighbours. Distances between clusters and their "
        "sizes mean little."
    ),
    "validation": (
        "Images that are not trained on and choose the checkpoint. The test images choose nothing: "
        "they say how good the choice is."
    ),
    "Wilson's": (
        "An interval for a share, such as an accuracy: where the true share plausibly lies, given "
        "how many test images there were."
    ),
}
