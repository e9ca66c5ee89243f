"""Every measured figure in README and docs, taken from the files in `benchmarks/results`.

A page holds a figure between two comments that readers do not see:

    average precision <!--fig detection.ap.ours-->.739<!--/fig-->

and a table between ``<!--table NAME-->`` and ``<!--/table-->``. A name stands for a function of the
results, in one of the modules here: `registry` lists them all. ``python -m docs.figures`` writes
what the results say between the comments; with ``--check`` it tells what differs.

A new figure is one line in a module's `FIGURES` (or `TABLES`) and its comments on a page. No line
of a page may begin with ``<!--fig``: Markdown would take the rest of that line for HTML.
"""
