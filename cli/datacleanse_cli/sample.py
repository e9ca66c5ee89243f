"""`datacleanse sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from datacleanse.errors import SettingsError
from datacleanse_cli import options
from datacleanse_cli.progress import shown_progress


def sample(
    data: options.Data,
    out: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path(
        "to_verify.csv"
    ),
    n: Annotated[int, typer.Option("--rows", "-n", help="Rows to draw.")] = 200,
    label: options.Label = None,
    id_: options.Id = None,
    drop: options.Drop = None,
    delimiter: options.Delimiter = None,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    force: options.Force = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw rows for a person to verify, each class in proportion: they become the clean set."""
    from datacleanse.data import ReadOptions, check_target, read_data, sample_rows, write_table
    from datacleanse.pictures.find import ask_for_data, find_pictures
    from datacleanse.pictures.read import read_listing
    from datacleanse.pictures.sample import check_sample_target, tabulate_sample
    from datacleanse.settings import Settings

    settings = Settings(seed=seed)
    if n < 1:
        raise SettingsError(
            f"-n is {n}.", slug="setting-out-of-range", hint="Draw at least 1 row, better 200."
        )
    if out.exists() and not force:
        raise SettingsError(
            f"{out} exists already.",
            slug="file-exists",
            hint="Choose another name with -o, or replace it with --force.",
        )
    check_target(out, source=data)
    reading = ReadOptions(label=label, id=id_, drop=tuple(drop or ()), delimiter=delimiter)
    with shown_progress(quiet=quiet) as progress:
        progress.stage("Reading", None)
        listing = find_pictures(data, ask_for_data(reading))
        if listing is None:
            dataset = read_data(data, reading, progress=progress)
        else:
            check_sample_target(listing, out)
            dataset = read_listing(listing)
    rows = sample_rows(dataset, n, seed=settings.seed)
    taken = dataset.table.take(rows) if listing is None else tabulate_sample(listing, rows, out)
    write_table(taken, out)
    noun = "rows" if listing is None else "pictures"
    typer.echo(
        f"{len(rows)} of {dataset.n_rows} {noun} drawn, every class in proportion: {out}\n"
        f"Check the column {dataset.schema.label!r} of each row, correct it where it is wrong, "
        f"then:\n  datacleanse audit {data} --val {out}"
    )
