"""A classifier of pictures on top of a frozen pretrained network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pyarrow as pa

from datacleanse.models.feature_column import FEATURES, make_feature_column
from datacleanse.models.predictor import check_images, choose_likeliest
from datacleanse.records import Dataset

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.models.frozen_network import Backbone, FrozenNetwork
    from datacleanse.models.number_predictor import NumberPredictor
    from datacleanse.models.predictor import Predictor
    from datacleanse.models.tabular import TabularNetwork
    from datacleanse.models.user_network import UserNetwork
    from datacleanse.records import Schema

Head = TypeVar("Head", bound="Predictor | NumberPredictor")


@dataclass(frozen=True)
class SeenPictures(Generic[Head]):
    """A model of new pictures: the pretrained network sees them, a trained head decides."""

    frozen: FrozenNetwork
    """From pictures to features."""
    head: Head
    """From features to what is predicted: the part that was trained, and that the run saves."""

    @property
    def schema(self) -> Schema:
        """The head's, without columns."""
        return replace(self.head.schema, columns=(), set_aside=())

    @property
    def network(self) -> TabularNetwork | UserNetwork:
        """The head's, in evaluation mode."""
        return self.head.network

    @property
    def backbone(self) -> Backbone:
        """What is told of the pretrained network."""
        return self.frozen.backbone

    @property
    def size(self) -> tuple[int, int, int]:
        """(C, H, W) that pictures must have: red, green and blue, height and width in pixels."""
        return 3, self.backbone.side, self.backbone.side

    def see(self, images: NDArray[np.uint8]) -> Dataset:
        """The rows that the head reads: the features of pictures (n, C, H, W)."""
        return Dataset(
            "<pictures>",
            pa.table({FEATURES: make_feature_column(self.frozen.compute_features(images))}),
            self.head.schema,
            np.full(len(images), -1, np.int64),
            self.head.schema.classes,
            (),
        )


@dataclass(frozen=True)
class PretrainedPredictor(SeenPictures["Predictor"]):
    """Classifies new pictures."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities' columns."""
        return self.head.classes

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Class probabilities of pictures (n, C, H, W), 0 (black) to 255: (n, K), rows sum to 1.

        Raises:
            InputError: they are no such array, or of another size.
        """
        check_images(images, self.size)
        if not len(images):
            return np.empty((0, len(self.classes)))
        return self.head.answer(self.see(images))

    def answer(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """As `predict_proba`; see `ImagePredictor.answer`."""
        return self.predict_proba(images)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Likeliest class of each picture, (n,), in the type of DATA's labels."""
        return choose_likeliest(self.head.schema, self.predict_proba(images))

    def _repr_html_(self) -> str:
        seen = f"pictures of {self.backbone.side} × {self.backbone.side} pixels"
        return self.head.render([("Reads", f"{seen}, by {self.backbone.title}")])
