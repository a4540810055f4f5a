"""The ladder to a record: from the textbook's loop to 99 % as fast as can be, an idea a rung.

A rung is a file: the former one plus one idea, which is the first line of its docstring. The rules
are held by code, each in the file that is named:

1.  The 50,000 training images of the project's split, and nothing else, teach (``climb``: warm-up
    has noise in their place, and weights are compared before and after it).
2.  Everything is chosen on validation. The test set is sealed until a rung is entered: its files
    cannot even be opened before the clocks have stopped (``climb``).
3.  An entered rung has, over 30 seeds at least, a mean of 99.0 % of the test images or more with
    p < 0.01, one-sided (``judging``). One with fewer seeds is shown, and not entered.
4.  The rung below runs beside it: same machine, same seeds, in turn (``speed``).
5.  Three clocks, and nothing is left off all three: training, the whole process, and the whole
    process from empty caches of compilers (``climb``). An image is asked once, as it is: several
    views of it would be work on none of them.
6.  Steps are counted by the optimiser, images by their numbers; both have to be what the rung says
    (``climb``).
7.  A record keeps the checksum of the rung and of all that it stands on. A changed rung is entered
    again, and how often it was is told (``records``).
"""
