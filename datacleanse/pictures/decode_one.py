"""One picture, from encoded bytes to pixels, by the rule of `docs/pictures.md`.

The first frame, turned upright by its EXIF tag, on white where it is transparent, as 8-bit grey or
RGB; the whole of it scaled to a square, whatever its sides' ratio was, so that nothing of it is
lost. Large ones are first reduced by a whole factor to no less than twice the size (JPEG while it
is decoded, which saves most of the time), then scaled by an antialiasing bilinear filter.
"""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from datacleanse.pictures.signatures import PictureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


PLUGINS = (
    BmpImagePlugin,
    GifImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)
"""What reads them; imported, so that no thread has to find them."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "DIB", "TIFF", "GIF")
"""Pillow's names of what is read (MPO, several pictures in a JPEG, counts as JPEG). Others are not
tried: each decoder is code that strangers' files reach."""

MAX_PIXELS = 178_956_970
"""Pixels of one picture, at most. Beyond it (twice `PIL.Image.MAX_IMAGE_PIXELS`) Pillow, too,
speaks of a decompression bomb: a small file that fills the memory."""

GAP = 2.0
"""How many times the final size is kept by the first, coarse reduction; Pillow's own choice for
thumbnails."""

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what turns the picture upright."""
_WHITE = 255
_GREY_MODES = ("1", "L", "LA", "La", "I", "F")


@dataclass(frozen=True)
class Decoded:
    """A picture as 8-bit pixels.

    Attributes:
        image: mode ``L`` or ``RGB``, upright.
        width: of the original, upright, in pixels.
        height: of the original, upright, in pixels.
    """

    image: Image.Image
    width: int
    height: int


@contextmanager
def silence_decoding() -> Iterator[None]:
    """Keep Pillow's warnings from stderr while threads decode: what matters is an error here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def decode(blob: bytes, size: tuple[int, int], *, keeps_ratio: bool = False) -> Decoded:
    """Decode a picture and scale it.

    Args:
        blob: encoded bytes.
        size: width and height to scale to, in pixels.
        keeps_ratio: scale into the size, and never up, instead of onto it.

    Raises:
        PictureError: it cannot be read.
    """
    if not blob:
        raise PictureError("is empty (0 bytes)")
    try:
        with Image.open(io.BytesIO(blob), formats=FORMATS) as image:
            return _scale(image, size, keeps_ratio=keeps_ratio)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        start = blob[:12]
        raise PictureError(
            f"is no picture of a known format, or its head is damaged (it begins with {start!r})"
        ) from error
    except Image.DecompressionBombError as error:
        raise PictureError(f"has more than the {MAX_PIXELS:,} pixels that are decoded") from error
    except MemoryError as error:
        raise PictureError("takes more memory than there is") from error
    except Exception as error:  # decoders raise whatever they stumble over
        why = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise PictureError(f"is cut off or damaged ({why})") from error


def _scale(image: Image.Image, size: tuple[int, int], *, keeps_ratio: bool) -> Decoded:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise PictureError(f"has {width:,} x {height:,} pixels; at most {MAX_PIXELS:,} are decoded")
    if keeps_ratio:
        size = _fit_inside(image.size, size)
    if image.format in ("JPEG", "MPO"):
        # Decodes to the least of 1, 1/2, 1/4, 1/8 that keeps the gap.
        image.draft(None, (round(GAP * size[0]), round(GAP * size[1])))
    image.load()
    turn = _UPRIGHT.get(_read_orientation(image))
    plain = _convert_mode(image)
    if plain.size != size:
        plain = plain.resize(size, Image.Resampling.BILINEAR, reducing_gap=GAP)
    if turn is not None:
        plain = plain.transpose(turn)
        if turn not in (*_HALF_TURNS,):
            width, height = height, width
    return Decoded(plain, width, height)


_HALF_TURNS = (
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.ROTATE_180,
    Image.Transpose.FLIP_TOP_BOTTOM,
)
"""Those that leave width and height as they are."""


def _fit_inside(size: tuple[int, int], limit: tuple[int, int]) -> tuple[int, int]:
    scale = min(limit[0] / size[0], limit[1] / size[1], 1.0)
    return max(1, round(scale * size[0])), max(1, round(scale * size[1]))


def _read_orientation(image: Image.Image) -> int:
    """The EXIF tag; 1 (upright) where there is none."""
    if "exif" not in image.info and image.format != "TIFF":
        return 1
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # a damaged tag leaves a good picture
        return 1
    return value if isinstance(value, int) else 1


def _convert_mode(image: Image.Image) -> Image.Image:
    """The picture in mode L or RGB."""
    mode = image.mode
    if mode.startswith("I;16") or mode in ("I", "F"):
        return _narrow(image)
    if mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _put_on_white(image)
    if mode in ("L", "RGB"):
        return image
    return image.convert("L" if is_grey_mode(image) else "RGB")


def _put_on_white(image: Image.Image) -> Image.Image:
    is_grey = is_grey_mode(image)
    image = image.convert("RGBA")
    ground = Image.new("RGB", image.size, (_WHITE, _WHITE, _WHITE))
    ground.paste(image, mask=image.getchannel("A"))
    return ground.convert("L") if is_grey else ground


def _narrow(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits: 16-bit values over their whole range, others over their own."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode != "F" and low >= 0 and high <= 65_535:
        low, high = 0.0, 65_535.0
    scaled = (values - low) * (255.0 / max(high - low, 1e-300))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def is_grey_mode(image: Image.Image) -> bool:
    """Whether the mode alone says that there is no colour; a palette is looked at."""
    if image.mode in ("P", "PA"):
        palette = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
        return bool((palette == palette[:, :1]).all())
    return image.mode in _GREY_MODES or image.mode.startswith("I;16")


def read_pixels(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    """The pixels (C, H, W), or what broadcasts to it: grey stands for all three colours."""
    if channels == 1:
        grey = image if image.mode == "L" else image.convert("L")
        return np.asarray(grey)[None]
    values = np.asarray(image)
    return values[None] if values.ndim == 2 else values.transpose(2, 0, 1)


def has_colour(image: Image.Image) -> bool:
    """Whether any pixel is not grey."""
    if image.mode == "L":
        return False
    values = np.asarray(image)
    return bool((values[..., 1:] != values[..., :1]).any())
