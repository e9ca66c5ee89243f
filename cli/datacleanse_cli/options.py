"""The options of the commands: what each is called, takes and means.

A command only lists their names and defaults, as its parameters or as `option_fields` has it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# --- of several commands --------------------------------------------------------------------------

Data = Annotated[
    str,
    typer.Argument(
        help="Table: csv, tsv, jsonl (also .gz, .zst), parquet, feather; or a URI. Or pictures: a "
        "folder of class folders, a manifest with a column path, or Parquet with a column image."
    ),
]
Run = Annotated[Path, typer.Argument(help="Run folder that `datacleanse audit` wrote.")]
Label = Annotated[
    str | None,
    typer.Option(
        "--label",
        "--target",
        help="Label column. Without it the one named label, target, class or y.",
    ),
]
Id = Annotated[
    str | None,
    typer.Option(
        "--id",
        help="Column that names each row. Without it one that plainly does so, if there is one.",
    ),
]
NoId = Annotated[
    bool,
    typer.Option("--no-id", help="Know rows by their number even where a column names them."),
]
Drop = Annotated[list[str] | None, typer.Option(help="Column not to learn from. Repeatable.")]
Delimiter = Annotated[
    str | None, typer.Option(help="Sign between the columns of a CSV file, e.g. ';'.")
]
Seed = Annotated[int, typer.Option(help="Random seed: the same one gives the same result.")]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        help="No progress and only the main result; warnings on one line of stderr.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Raw = Annotated[
    bool,
    typer.Option(
        "--raw",
        help="Leave cells of the program's own CSV files that a spreadsheet would run as formulas "
        "(=, +, -, @) as they are, without a ' before them.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace what stands there.")]

# --- apply ----------------------------------------------------------------------------------------

CleanedOut = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        help="File to write, its ending says the format; of pictures in files a manifest, or a "
        "folder of class folders where the name has no ending.",
        show_default="cleaned, with the data's ending or .csv",
    ),
]
MovedData = Annotated[
    str | None, typer.Option(help="Where the audited data is now, if you moved it.")
]
DecisionsFiles = Annotated[
    list[Path] | None,
    typer.Option(
        help="Decisions about this run: a file that the review page saved, or a copy of the run. "
        "Repeatable, e.g. one of each reviewer: about one row the last one counts, but before all "
        "others one that settles.",
        show_default="the run's own",
    ),
]
Auto = Annotated[
    bool,
    typer.Option(
        "--auto",
        help="Act on flags that nobody has reviewed, too. Says what would be done; add --yes "
        "to have it done.",
    ),
]
RelabelAbove = Annotated[
    float | None,
    typer.Option(
        help="With --auto: give flagged rows their suggested label from this mislabel "
        "probability on."
    ),
]
DropAbove = Annotated[
    float | None,
    typer.Option(help="With --auto: drop flagged rows from this mislabel probability on."),
]
Yes = Annotated[bool, typer.Option("--yes", help="With --auto: write the files.")]
Link = Annotated[
    bool,
    typer.Option("--link", help="Fill a folder of pictures with symbolic links instead of copies."),
]

# --- predict and export ---------------------------------------------------------------------------

RunOrOnnx = Annotated[
    Path,
    typer.Argument(help="Run folder that `datacleanse audit` wrote, or an exported .onnx file."),
]
New = Annotated[
    str,
    typer.Argument(
        help="Rows of a table, of any length, or pictures to classify; labels are not needed."
    ),
]
PredictionsOut = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File to write.", show_default="predictions.csv"),
]
TableFormat = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        help="csv, tsv, jsonl, parquet or feather.",
        show_default="by the file's ending",
    ),
]
Proba = Annotated[
    bool, typer.Option("--proba/--no-proba", help="Write the probability of each class.")
]
ServedModel = Annotated[
    str | None,
    typer.Option(
        help="FILE.onnx exported from this run, to be run in its place; or, for a run with a "
        "network of your own, package.module:factory, as the audit was given. Without it none "
        "of your code is run."
    ),
]
IgnoreExtra = Annotated[
    bool,
    typer.Option(
        "--ignore-extra",
        help="Pass over columns that DATA lacks; without it a table with some is refused.",
    ),
]
AllowUnknown = Annotated[
    bool,
    typer.Option(
        "--allow-unknown",
        help="Classify rows although a column holds no value that the model knows or can read: it "
        "counts as missing. Without it that is an error; single such values are told.",
    ),
]
ExportFormat = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        help="onnx, pt2, safetensors, hub-folder or weights; see docs/export.md.",
    ),
]
ExportOut = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="File or folder to write.", show_default="by format"),
]
OwnNetwork = Annotated[
    str | None,
    typer.Option(
        help="For a run with a network of your own: package.module:factory, as the audit was "
        "given. Without it none of your code is run."
    ),
]

# --- explain --------------------------------------------------------------------------------------

ExplainedNew = Annotated[
    str,
    typer.Argument(help="Rows of a table, or pictures, one of which was classified wrongly."),
]
ExplainedRow = Annotated[
    int,
    typer.Option(min=0, help="Number of that row, from 0: `row` in what `predict` writes."),
]
ExplainedClass = Annotated[
    str | None,
    typer.Option(
        "--class",
        "--number",
        help="Class to explain, or the number that the row should have.",
        show_default="the predicted one, or any larger number",
    ),
]
PushingRows = Annotated[
    int,
    typer.Option(min=1, help="Rows to name, for the label in question and against it."),
]
ExplanationOut = Annotated[
    Path | None, typer.Option("--out", "-o", help="File to write the rows to as well.")
]

# --- report and review ----------------------------------------------------------------------------

ListedTop = Annotated[
    int | None, typer.Option(help="Suspects to list.", show_default="as in the run")
]
ReportFormats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        show_default="csv, json, md and html",
        help="csv, json, md, html; or for another tool: label-studio, argilla, fiftyone. "
        "Repeatable.",
    ),
]
EarlierRun = Annotated[
    Path | None,
    typer.Option(help="An earlier run: tell what changed since, instead of the reports."),
]
FirstRank = Annotated[
    int,
    typer.Option(min=1, help="Rank of the first suspect on the page, which holds 500 of them."),
]
Reviewer = Annotated[
    str | None,
    typer.Option(help="Who decides, for the record.", show_default="your user name"),
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0: any free one.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Only print the address.")]

# --- gate -----------------------------------------------------------------------------------------

GatedRun = Annotated[
    Path | None,
    typer.Argument(
        help="Run folder that `datacleanse audit` wrote.",
        show_default="`run` in the file of thresholds",
    ),
]
GateConfig = Annotated[
    Path | None,
    typer.Option(
        help="TOML file of thresholds: pyproject.toml with a table tool.datacleanse.gate, or "
        "another one with the same keys at its top.",
        show_default="the nearest pyproject.toml with thresholds",
    ),
]
Baseline = Annotated[
    Path | None, typer.Option(help="An earlier run of the same data, for --max-new-flags.")
]
MaxNoiseRate = Annotated[
    float | None, typer.Option(help="Largest share of wrong labels that is good, e.g. 0.05.")
]
NoiseBound = Annotated[
    str | None,
    typer.Option(
        help="Which number of that share is compared: low, estimate or high. With low, the lower "
        "end of its range, a build fails only where the share is surely larger.",
        show_default="low",
    ),
]
MaxFlags = Annotated[int | None, typer.Option(help="Most flagged rows that are good.")]
MaxNewFlags = Annotated[
    int | None, typer.Option(help="Most flagged rows that are good and the baseline had not.")
]
FailOn = Annotated[
    list[str] | None,
    typer.Option(
        help="Kind of finding of which there may be none, e.g. leaking-columns; any: all kinds. "
        "Repeatable.",
    ),
]
GateFormat = Annotated[
    str, typer.Option("--format", "-f", help="text, github (annotations), markdown or json.")
]
GateSummary = Annotated[
    Path | None,
    typer.Option(help="File to append Markdown to, whatever the format: $GITHUB_STEP_SUMMARY."),
]

# --- sample, verify and demo ----------------------------------------------------------------------

VerifiedOut = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        help="File of verdicts; each is added at once, and a file that is begun is gone on with.",
    ),
]
VerifiedBefore = Annotated[
    list[str] | None,
    typer.Option(
        "--val",
        "--trusted",
        help="Rows that are verified already, as for `audit`: the audit that is proposed at the "
        "end is given them, too. Repeatable.",
    ),
]
ByClass = Annotated[
    bool,
    typer.Option(
        "--by-class",
        help="Draw each class in proportion and two rows of it at least, for where some are rare. "
        "Without it every row has the same chance.",
    ),
]
Blind = Annotated[
    bool,
    typer.Option("--blind", help="Hide the given labels, so that they do not sway the reviewer."),
]
NewClass = Annotated[
    list[str] | None,
    typer.Option(help="Class that no row of the data has, but may be the right one. Repeatable."),
]
SampleOut = Annotated[Path, typer.Option("--out", "-o", help="File to write.")]
SampleRows = Annotated[int, typer.Option("--rows", "-n", help="Rows to draw.")]
DrawSeed = Annotated[int, typer.Option(help="Random seed: the same one draws the same rows.")]
DemoOut = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="Run folder. [default: runs/demo]", show_default=False),
]
DemoPictures = Annotated[
    bool, typer.Option("--pictures", help="The same digits as PNG files in folders of classes.")
]
