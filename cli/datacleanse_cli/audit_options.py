"""The options of `audit`, of which some are other commands', too; see `options`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# --- audit: what is read --------------------------------------------------------------------------

Val = Annotated[
    list[str] | None,
    typer.Option(
        "--val",
        "--trusted",
        help="Rows whose labels you have checked, with the same columns; or the file that "
        "`datacleanse verify` wrote. Repeatable: files of several people are joined. Without it "
        "the rows are only ranked: no rate, no flags.",
    ),
]
Task = Annotated[
    str,
    typer.Option(
        help="classification or regression: whether labels are classes, or numbers to predict. "
        "auto: classes."
    ),
]
Test = Annotated[
    str | None, typer.Option(help="Rows with true labels and the same columns, to measure on.")
]
EarlierDecisions = Annotated[
    list[Path] | None,
    typer.Option(
        help="Decisions of an earlier round: the run that was reviewed, or its file of decisions. "
        "Reviewed rows count as verified. Repeatable.",
    ),
]
Categorical = Annotated[
    list[str] | None, typer.Option(help="Column to read as categories. Repeatable.")
]
Numeric = Annotated[list[str] | None, typer.Option(help="Column to read as numbers. Repeatable.")]
Text = Annotated[
    list[str] | None, typer.Option(help="Column to read as text, word by word. Repeatable.")
]
Dates = Annotated[
    str | None,
    typer.Option(
        help="Order of dates that leave it open, such as 01/02/2019: dayfirst, monthfirst or iso "
        "(year first)."
    ),
]
Decimal = Annotated[
    str | None,
    typer.Option(
        help="Sign before the decimals of numbers that leave it open, such as 1,234: '.' or ','."
    ),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        help="Text that counts as missing in CSV files, e.g. NA or '?'; then only those named do, "
        "and empty cells. Repeatable.",
        show_default="NA, null, None, nan and the like, but not in --categorical columns",
    ),
]
ImageSize = Annotated[
    int | None,
    typer.Option(help="Side to which pictures are scaled, in pixels.", show_default="auto"),
]
MaxUnreadable = Annotated[
    float, typer.Option(help="Largest share of pictures that may be unreadable.")
]

# --- audit: the run folder ------------------------------------------------------------------------

RunOut = Annotated[
    Path | None, typer.Option("--out", "-o", help="Run folder.", show_default="runs/NAME")
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with the unfinished run there. A finished one only gets its reports again; "
        "where there is none, the audit starts.",
    ),
]

# --- audit: how it is done ------------------------------------------------------------------------

Rule = Annotated[
    str | None,
    typer.Option(
        help="Reweighting rule: l2rw, lilaw, uniform or random.",
        show_default="l2rw; without --val no row can steer",
    ),
]
Model = Annotated[
    str,
    typer.Option(
        help="Network: auto, mlp (tables), residual (images, from scratch), pretrained (images, by "
        "the extra vision), timm:NAME (images), or one of your own as package.module:factory. "
        "That is imported from here or the environment and called as factory(n_features, "
        "n_classes)."
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="File with the trained parameters for --model timm:NAME.",
        show_default="timm's own",
    ),
]
TextModel = Annotated[
    str | None,
    typer.Option(
        help="What reads texts beside their counts: wordllama, none, or a model of "
        "sentence-transformers by its folder or name.",
        show_default="wordllama where datacleanse[text] is installed",
    ),
]
Features = Annotated[
    str | None,
    typer.Option(
        help="Audit pictures by features that you computed (.npy or .parquet): one row for each "
        "picture, DATA's first, then CLEAN's, then TEST's."
    ),
]
Probabilities = Annotated[
    str | None,
    typer.Option(
        help="Out-of-sample class probabilities by a model of your own: a table with a column for "
        "each class, or .npy. Rows by --id, else in DATA's order, CLEAN's behind them or left out."
    ),
]
Epochs = Annotated[
    int | None, typer.Option(help="Passes over the rows (epochs).", show_default="auto")
]
BatchSize = Annotated[
    int | None, typer.Option(help="Rows in one step of training.", show_default="auto")
]
LearningRate = Annotated[float | None, typer.Option(help="Learning rate.", show_default="auto")]
Fast = Annotated[
    bool,
    typer.Option(
        "--fast",
        help="One reweighted training instead of two (fewer clean rows calibrate), and shorter "
        "ones.",
    ),
]
HoldBack = Annotated[
    float,
    typer.Option(
        help="Share of the verified rows kept for comparing the final model with plain training, "
        "e.g. 0.2. Use it when you have no --test file."
    ),
]
Repeats = Annotated[
    int,
    typer.Option(
        help="More runs with other random seeds: the audit table says in what share of them each "
        "row is flagged. Each takes three quarters of the audit's time."
    ),
]
Fdr = Annotated[
    float, typer.Option(help="Largest expected share of false alarms among flagged rows.")
]
Top = Annotated[int, typer.Option(help="Suspects listed in the reports.")]
Device = Annotated[
    str,
    typer.Option(
        help="auto, cpu, cuda, or GPUs by number: cuda:1, or cuda:0,cuda:1 to train on both."
    ),
]

Jobs = Annotated[
    int | None,
    typer.Option(
        help="Networks trained side by side. More take more memory; the results are the same.",
        show_default="as many as there are cores",
    ),
]

Plan = Annotated[
    bool,
    typer.Option(
        "--plan",
        help="Say what the audit would take: time, memory, room on disk. Reads, tries each part "
        "for some seconds, and writes nothing.",
    ),
]

Memory = Annotated[
    str | None,
    typer.Option(
        help="Memory that may be taken, e.g. 2GB: what does not fit lies in files, and an audit "
        "that cannot fit is refused. What is found does not depend on it.",
        show_default="what is free",
    ),
]

# --- audit: what follows --------------------------------------------------------------------------

FailOver = Annotated[
    float | None,
    typer.Option(help="Exit with 1 if more than this share of rows is flagged, e.g. 0.02."),
]
Mlflow = Annotated[
    bool,
    typer.Option(
        "--mlflow", help="Log settings, figures and files to MLflow (MLFLOW_TRACKING_URI)."
    ),
]
