"""Tables, plots and sentences from saved records alone; no live object, no framework.

folder.py       everything below into a results folder
comparison.py   which runs may stand side by side
ranking.py      the frameworks of a comparison from best to worst
rungs.py        runs of the difference ladder, kept apart from the others
matched.py      whether a row's work is shown to be equal
flags.py        settings that differ between rows, not asked for
audit.py        the audit in sentences
trust.py        all three, and why seeds stopped: whether to trust the numbers
wording.py      numbers and names as a reader sees them
certainty.py    intervals, p-values and verdicts as a reader sees them
claims.py       what may be said of two frameworks, in sentences
tables/         one table a file, and their list
plots/          one plot a file, and their list
summary.py      the closing sentences
index.py        the page that leads through tables and plots
compare.py      python -m bench compare A B
command.py      python -m bench report DIR
"""

from __future__ import annotations

from bench.results import Results


def write(results: Results) -> str:
    """Write tables, plots and page of a results folder from its records and what lies beside them.

    Returns:
        The closing summary in plain sentences.

    Raises:
        bench.results.ResultsError: where a record, the audit, a certificate or the facts of the
            folder are broken.
        OSError: where something cannot be written; each file is there whole or not at all.
    """
    from bench.report.folder import write_all  # late: it imports matplotlib

    return write_all(results)
