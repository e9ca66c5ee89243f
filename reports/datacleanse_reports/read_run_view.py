"""What every report of a run says, read from its folder: see `run_view.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.records import UNCHECKED
from datacleanse_reports.audit import find_originals
from datacleanse_reports.health import count_verdicts
from datacleanse_reports.next_step import (
    count_lacking,
    propose_applying,
    propose_review,
    propose_verifying,
    propose_verifying_more,
)
from datacleanse_reports.review_progress import find_rows_to_review, read_progress
from datacleanse_reports.run_view import Budget, Headline, RunView

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from datacleanse.storage.manifest.numbers import AnyManifest
    from datacleanse.storage.manifest.results import NoiseShare
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse_reports.suspect import Suspect


def read_run_view(
    folder: RunFolder,
    manifest: AnyManifest,
    table: pa.Table,
    *,
    originals: pa.Table,
    suspects: Sequence[Suspect],
    top: int,
) -> RunView:
    """What reports say of any finished run.

    Args:
        folder: of the run.
        manifest: its `run.json`.
        table: the audit's narrow columns, in DATA's order.
        originals: what is stored of the suspects.
        suspects: those that are listed.
        top: suspects that were asked for.
    """
    from datacleanse.data.any_number import AnyNumber, find_labels  # slow to import

    positions, columns = find_originals(originals, manifest.data.label)
    labels = find_labels(manifest)
    return RunView(
        run_id=manifest.run_id,
        created_at=manifest.created_at,
        finished_at=manifest.finished_at,
        command=manifest.command,
        headline=_make_headline(manifest),
        flagging=manifest.flags,
        budgets=tuple(map(_make_budget, manifest.budget)),
        labels=() if isinstance(labels, AnyNumber) else tuple(labels),
        numbers=labels if isinstance(labels, AnyNumber) else None,
        data=manifest.data,
        clean=manifest.clean,
        overlap=manifest.overlap,
        columns_aside=manifest.schema.set_aside,
        notices=manifest.notices,
        top=top,
        columns=columns,
        own_columns=_find_own_columns(originals, positions),
        suspects=suspects,
        last_flagged=int(table["rank"].to_numpy()[table["flagged"].to_numpy()].max(initial=0)),
        rows_lacking=count_lacking(manifest),
        next_words=propose_verifying(manifest.data)
        if _lacks_verified(manifest)
        else propose_verifying_more(folder, manifest),
        review_words=propose_review(folder.path),
        apply_words=propose_applying(folder.path, manifest.data.source),
        progress=read_progress(folder, manifest, find_rows_to_review(table, suspects)),
        verdicts=count_verdicts(table),
    )


def _find_own_columns(originals: pa.Table, positions: Sequence[int]) -> tuple[int, ...]:
    """Places among the original columns, at ``positions``, of those that the program added."""
    from datacleanse.data import is_content_hash  # slow to import

    fields = (originals.field(position) for position in positions)
    return tuple(place for place, field in enumerate(fields) if is_content_hash(field))


def _lacks_verified(manifest: AnyManifest) -> bool:
    """Whether no row is verified, or nobody seems to have checked those that are called so."""
    is_doubted = any(notice.slug == UNCHECKED for notice in manifest.notices)
    return manifest.noise.rate is None or is_doubted


def _make_headline(manifest: AnyManifest) -> Headline:
    rate = manifest.noise.rate
    return Headline(
        rows=manifest.data.rows,
        classes=len(manifest.classes or ()),
        estimated_wrong=None if rate is None else rate.share * rate.rows,
        estimated_share=None if rate is None else rate.share,
        low_share=None if rate is None else rate.low,
        high_share=None if rate is None else rate.high,
        rate_basis=manifest.noise.basis,
        flagged=manifest.flags.flagged,
        fdr=manifest.flags.fdr,
    )


def _make_budget(share: NoiseShare) -> Budget:
    return Budget(
        rows=share.rows,
        expected_wrong=share.share * share.rows,
        expected_share=share.share,
        low_share=share.low,
        high_share=share.high,
    )
