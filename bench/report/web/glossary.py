"""The words of the page, each explained once: shown beside a word, and in its list of words."""

from __future__ import annotations

GLOSSARY: dict[str, str] = {
    "95 % interval": (
        "Where the true value plausibly lies, judged by how much the runs differ. Intervals made "
        "this way contain the truth about 95 times in 100. Of one run there is none."
    ),
    "break-even": (
        "After how many steps a framework that starts later but steps faster has caught up with "
        "another, start-up counted."
    ),
    "batch size": (
        "How many images the network sees before its weights change once. Larger batches keep a "
        "processor busier; they also make fewer steps of the same images."
    ),
    "baseline": (
        "The row that all others are divided by. Click a row to make it the baseline; at first it "
        "is the best one."
    ),
    "device": "What computes: the processor (CPU) or a graphics card (CUDA).",
    "disturbed": (
        "Other programs took more than a tenth of the processors during a run, or heat held the "
        "GPU back. Its times say nothing of the framework, so no winner is named over it."
    ),
    "energy": (
        "Joules per training image, off the hardware's own counters: the whole processor package "
        "or GPU, idle power included."
    ),
    "execution": (
        "How a framework runs the same network: eager (operation by operation), graph, compiled. "
        "A lighter colour marks a further execution of the same framework."
    ),
    "goal": (
        "Runs that are trained and tested read accuracy and times to a target. Runs of training "
        "steps only are short and measure speed alone."
    ),
    "inference throughput": (
        "Images a second that the trained network classifies in large batches, from host memory "
        "to host memory."
    ),
    "injected delay": (
        "A pause of known length that the audit puts into some runs, to see whether the clock "
        "finds it."
    ),
    "latency": (
        "How long the trained network takes for one image, from host memory to host memory. p95: "
        "95 calls in 100 are faster than this."
    ),
    "machine": "Runs of different machines are never compared with one another.",
    "McNemar's test": (
        "Whether two models differ, by the test images that only one of them gets right: if "
        "neither is better, each of those is a fair coin."
    ),
    "mean": (
        "Of times and rates the geometric mean, as ratios are averaged: of 1 and 4 it is 2, so "
        "that A over B is one over B over A. Of accuracies the usual mean."
    ),
    "median": (
        "The value in the middle: half are below it. Of times to a target it is Kaplan and "
        "Meier's, in which a run that never got there counts as having needed longer."
    ),
    "network": "The architecture: what layers the network has. Every framework gets the same one.",
    "noise floor": (
        "How much the very same experiment differs from itself on this machine, found by the "
        "audit. A difference that is smaller names no winner."
    ),
    "odd": (
        "A laptop whose ratio lies more than 3.5 robust deviations from the class's median, on the "
        "log scale, by a factor of at least 1.25 and more than its own noise floor (Iglewicz and "
        "Hoaglin, 1993). It takes ten laptops. Some are named by chance: of 30 that are alike, at "
        "most one comparison in eleven names one."
    ),
    "other settings": "Epochs, optimiser, learning rate and the like, the same for all rows.",
    "p": (
        "How often chance alone would make a difference at least this large, if there were none. "
        "It takes the noise of all pairs in view together, where all rows have the same seeds, and "
        "is corrected for all of them by Holm's method: whoever looks at many pairs finds "
        "a small p somewhere. Rows that are left out after looking make it too small."
    ),
    "peak": (
        "The most operations a second that this machine was seen to do, in large matrix products, "
        "and bytes a second in large copies."
    ),
    "peak memory": (
        "The most memory that the run's process held, or that the framework's allocator held on "
        "the device."
    ),
    "precision": "How many bits a number has in products: fp32, or the faster tf32 and bf16.",
    "prediction": (
        "The range that a student gave before the measured number was shown, and whether that lies "
        "in it."
    ),
    "price": "The machine's price an hour times start-up and training time to the target.",
    "ratio": (
        "A row's value over the baseline's, found for each seed by itself and then averaged "
        "(geometric mean). 2 in a throughput is twice as fast; 2 in a time is twice as long."
    ),
    "seed": (
        "The number from which a run draws its initial weights and the order of its images. Runs "
        "with the same seed start alike in every framework, so they are compared in pairs."
    ),
    "start-up": (
        "Seconds from the start of the process to the first step that counts: importing, loading "
        "data, building, compiling."
    ),
    "steadiness": (
        "The same small matrix product, timed before every run: whether the machine stayed as fast "
        "as it was."
    ),
    "task": "What is to be recognised, and where the images come from.",
    "test accuracy": (
        "The share of the test images that the best validation checkpoint gets right. Its interval "
        "is Wilson's for the number of test images. Beside the baseline stands the difference in "
        "points; whether two models differ is McNemar's test, in the table of models."
    ),
    "time to target": (
        "Training seconds until the validation accuracy is first at the target or above. A "
        "framework with a run that never got there is not ranked."
    ),
    "training throughput": (
        "Training images a second over all steps after the warm-up, the clock waiting for the "
        "device."
    ),
    "verdict": (
        "What may be said. A row is called faster or slower only if its interval leaves out 1, p "
        "is below 0.05, the difference is larger than the noise floor, and no run was disturbed. "
        "A tie is shown: the whole interval lies within the noise floor. All else is undecided."
    ),
    "work": (
        "Matched: logits, gradients and optimiser steps agree with a NumPy float64 referee, so "
        "that a difference is the framework's and not the work's."
    ),
}
