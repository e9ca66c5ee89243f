"""What a second opinion is asked: rows, labels that may be learned, and who answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from datacleanse.detection.second_opinion import features, tables
from datacleanse.thread_limit import use_one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from datacleanse.pictures.joined import Joined

    Rows = NDArray[np.float32] | NDArray[np.uint8] | Joined

    Answer = NDArray[np.float32] | list[NDArray[np.float32]]

MANY_TO_SPLIT = 10_000
"""Rows from which several processes pay: those with trees load scikit-learn, which takes half a
second."""

Kind = Literal["table", "images", "features"]
"""What the rows are: of a table `tables` is asked, of the others `features`."""


@dataclass(frozen=True)
class Question:
    """What the second opinion is formed on: M rows, and the labels that may be learned."""

    kind: Kind
    rows: Rows
    """(M, F) float32 rows of a table, encoded, or features of pictures; or (M, channels, height,
    width) uint8 images. Not all that texts become is among a table's columns: see ``texts`` and
    ``vectors``."""
    labels: NDArray[np.int64]
    """(M,) class of each row, as given."""
    is_learned: NDArray[np.bool_]
    """(M,) True where the label may be learned."""
    n_classes: int
    """C."""
    seed: int
    """Of all draws."""
    n_numbers: int = 0
    """How many columns of a table, its first, are numbers; the others are codes of categories."""
    texts: csr_array | None = None
    """(M, V) float32 weighted counts of the terms in a table's texts; None where it has none."""
    vectors: NDArray[np.float32] | None = None
    """(M, E) what a text model makes of the same texts, NaN where missing; None without one."""
    features: NDArray[np.float32] | None = None
    """(M, F) features of images by a pretrained network, which is asked beside their patches."""
    is_quick: bool = False
    """Whether an opinion on a table is formed with fewer trees."""
    part: int | None = None
    """Only a part of the opinion is asked for; see `split`. None: all of it."""

    def split(self) -> tuple[Question, ...]:
        """Return questions whose answers `join` makes this one's answer of.

        An opinion on few rows stays whole, and so does one on texts alone.
        """
        if self.kind != "table" or len(self.rows) < MANY_TO_SPLIT or not self.rows.shape[1]:
            return (self,)
        return tuple(replace(self, part=part) for part in range(tables.N_PARTS))

    @property
    def n_rows(self) -> int:
        """M."""
        return len(self.rows)

    def take_rows(self, at: NDArray[np.int64]) -> Question:
        """The question on some of its rows alone."""
        texts, vectors, features = self.texts, self.vectors, self.features
        return replace(
            self,
            rows=self.rows[at],
            labels=self.labels[at],
            is_learned=self.is_learned[at],
            texts=None if texts is None else texts[at],
            vectors=None if vectors is None else vectors[at],
            features=None if features is None else features[at],
        )

    def load(self) -> None:
        """Load what the opinion is formed with."""
        load_libraries(has_trees=self.kind == "table" and self.part != tables.REST)

    def join(self, answers: Sequence[Answer]) -> NDArray[np.float32]:
        """Make the opinion of the answers to the questions that it was split into."""
        if len(answers) == 1:
            (whole,) = answers
            assert isinstance(whole, np.ndarray)
            return whole
        with use_one_thread():
            heard = [opinion for answer in answers for opinion in answer]
            return tables.pool_parts(
                heard, self.labels, self.is_learned, has_texts=self.texts is not None
            )

    def answer(self, is_unwanted: Callable[[], bool] = lambda: False) -> Answer:
        """Form the opinion: (M, C) class probabilities, each row's without its own label.

        Of a part it is the scores, (M, C), by each of its voices.

        Args:
            is_unwanted: asked now and then; True gives up.

        Raises:
            AbandonedError: ``is_unwanted`` said so.
        """
        ask = self._choose()
        # Libraries can be limited once they are there.
        self.load()
        with use_one_thread():
            return ask(
                self.labels,
                self.is_learned,
                n_classes=self.n_classes,
                seed=self.seed,
                is_unwanted=is_unwanted,
            )

    def _choose(self) -> Callable[..., Answer]:
        """Whom to ask, with the rows given to it."""
        rows: Any = self.rows
        if self.kind == "table":
            known: Any = {
                "n_numbers": self.n_numbers,
                "texts": self.texts,
                "vectors": self.vectors,
                "is_quick": self.is_quick,
            }
            if self.part is None:
                return partial(tables.ask, rows, **known)
            return partial(tables.ask_part, self.part, rows, **known)
        if self.kind == "features":
            return partial(features.ask, rows)
        if self.features is not None:
            return partial(features.ask_beside_patches, self.features, rows)
        return partial(features.ask_on_patches, rows)


def load_libraries(*, has_trees: bool) -> None:
    """Load what an opinion is formed with."""
    if has_trees:
        import_module("sklearn.tree")
    import_module("scipy.optimize")
