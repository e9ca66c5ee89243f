"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
Id = Annotated[str | None, typer.Option("--id", help="Column that names each row.")]
Drop = Annotated[list[str] | None, typer.Option(help="Column not to learn from. Repeatable.")]
Delimiter = Annotated[
    str | None, typer.Option(help="What separates the columns of a CSV file, e.g. ';'.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.")]
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
