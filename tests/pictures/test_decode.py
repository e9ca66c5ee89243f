"""One picture: every mode and format becomes 8-bit pixels by the documented rule."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from datacleanse.pictures import decode_one as decoding
from datacleanse.pictures.decode_one import PictureError, decode, has_colour, read_pixels
from tests.pictures.made import encoded, scene

SIZE = (32, 24)


def values(image):
    return np.asarray(image).astype(int)


def test_a_picture_of_the_right_size_keeps_its_pixels():
    image = scene(0)
    found = decode(encoded(image), SIZE)
    assert (found.image.mode, found.width, found.height) == ("RGB", *SIZE)
    assert (values(found.image) == values(image)).all()


LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True}, "BMP": {}, "TIFF": {}}


@pytest.mark.parametrize(("kind", "options"), LOSSLESS.items())
def test_lossless_formats_agree(kind, options):
    image = scene(1)
    assert (values(decode(encoded(image, kind, **options), SIZE).image) == values(image)).all()


@pytest.mark.parametrize("kind", ["JPEG", "GIF"])
def test_lossy_formats_come_near(kind):
    image = scene(1)
    assert abs(values(decode(encoded(image, kind), SIZE).image) - values(image)).mean() < 12


def test_the_first_frame_of_an_animation_counts():
    first, second = scene(1, colour="red"), scene(2, colour="blue")
    blob = encoded(first, "GIF", save_all=True, append_images=[second])
    assert abs(values(decode(blob, SIZE).image) - values(first)).mean() < 12


def test_a_palette_is_looked_up():
    image = scene(3).quantize(200)
    found = decode(encoded(image), SIZE).image
    assert (values(found) == values(image.convert("RGB"))).all()
    grey = scene(3).convert("L").quantize(200)
    assert decode(encoded(grey), SIZE).image.mode == "L"


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(mode):
    image = Image.new("RGBA", SIZE, (80, 80, 80, 255))
    image.paste((0, 0, 0, 0), (0, 0, 16, 24))
    options = {}
    if mode == "P":
        image = image.convert("RGB").quantize(2)
        options = {"transparency": image.getpixel((0, 0))}
    found = values(decode(encoded(image.convert(mode), **options), SIZE).image)
    assert (found[:, :16] == 255).all()
    assert (found[:, 16:] == 80).all()


def test_half_transparent_is_mixed_with_white():
    found = values(decode(encoded(Image.new("RGBA", SIZE, (0, 0, 0, 128))), SIZE).image)
    assert abs(found - 127).max() <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_over_their_whole_range(kind):
    ramp = np.linspace(0, 65_535, 32 * 24).reshape(24, 32).astype(np.uint16)
    found = decode(encoded(Image.fromarray(ramp), kind), SIZE).image
    assert found.mode == "L"
    assert abs(values(found) - np.rint(ramp / 257)).max() <= 1


def test_floats_are_scaled_over_their_own_range():
    ramp = np.linspace(-3, 5, 32 * 24).reshape(24, 32).astype(np.float32)
    found = values(decode(encoded(Image.fromarray(ramp), "TIFF"), SIZE).image)
    assert (found.min(), found.max()) == (0, 255)
    assert (np.diff(found.ravel()) >= 0).all()


def test_cmyk_becomes_rgb():
    image = Image.new("CMYK", SIZE, (0, 255, 255, 0))
    red, green, blue = values(decode(encoded(image, "JPEG", quality=95), SIZE).image).mean((0, 1))
    assert red > 240
    assert max(green, blue) < 15


def test_one_bit_becomes_black_and_white():
    image = scene(4).convert("1")
    assert set(np.unique(values(decode(encoded(image), SIZE).image))) <= {0, 255}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_turns_pictures_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else LOSSLESS[kind]
    blob = encoded(scene(5), kind, exif=exif, **options)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(blob))).convert("RGB")
    found = decode(blob, upright.size if kind == "TIFF" else SIZE)
    assert (found.width, found.height) == upright.size
    turned = values(found.image.resize(upright.size))
    assert abs(turned - values(upright)).mean() < 3


@pytest.mark.parametrize("factor", [2, 3, 7, 16])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_reduction_in_steps_comes_near_one_antialiased_reduction(kind, factor):
    side = 32
    image = scene(6, size=(side, side)).resize((side * factor, side * factor), Image.BICUBIC)
    blob = encoded(image, kind, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))
    whole = Image.open(io.BytesIO(blob)).convert("RGB").resize((side, side), Image.BILINEAR)
    found = decode(blob, (side, side)).image
    assert abs(values(found) - values(whole)).mean() < 2


def test_the_whole_picture_is_seen_whatever_its_ratio():
    image = Image.new("RGB", (200, 20), "white")
    image.paste("black", (0, 0, 20, 20))
    image.paste("red", (180, 0, 200, 20))
    found = values(decode(encoded(image), (20, 20)).image)
    assert (found[:, 0] < 5).all()
    assert (found[:, -1, 0] > 250).all()
    assert (found[:, -1, 1] < 5).all()


def test_a_limit_keeps_the_ratio_and_never_enlarges():
    assert decode(encoded(scene(7, size=(60, 20))), (30, 30), keeps_ratio=True).image.size == (
        30,
        10,
    )
    assert decode(encoded(scene(7, size=(8, 20))), (30, 30), keeps_ratio=True).image.size == (8, 20)


def test_channels_first_and_grey_for_all_three():
    colour = scene(8)
    assert read_pixels(colour, 3).shape == (3, 24, 32)
    assert read_pixels(colour, 1).shape == (1, 24, 32)
    grey = colour.convert("L")
    spread = np.broadcast_to(read_pixels(grey, 3), (3, 24, 32))
    assert (spread == values(grey)).all()
    assert has_colour(colour)
    assert not has_colour(grey)
    assert not has_colour(grey.convert("RGB"))


def _png_header(width, height):
    """A PNG that claims a size and holds nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(kind, content):
        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    empty = chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + empty


BROKEN = {
    "no bytes": (b"", "is empty (0 bytes)"),
    "text": (b"hello, no picture", "(it begins with b'hello, no pi')"),
    "html": (b"<html><body>404</body></html>", "no picture of a known format"),
    "cut JPEG": (encoded(scene(9, size=(64, 64)), "JPEG")[:700], "cut off or damaged"),
    "cut PNG": (encoded(scene(9, size=(64, 64)))[:2000], "cut off or damaged"),
    "bomb": (_png_header(40_000, 40_000), "pixels"),
    "bomb below Pillow's own limit": (_png_header(13_300, 13_300), "damaged"),
    "no size": (_png_header(0, 0), "its head is damaged"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture of a known format"),
    "ICNS": (b"icns" + bytes(20), "no picture of a known format"),
    "EPS, which would start a program": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "no picture"),
}


@pytest.mark.parametrize(("blob", "said"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_says_why(blob, said):
    with decoding.silence_decoding(), pytest.raises(PictureError) as caught:
        decode(blob, SIZE)
    assert said in str(caught.value)


@pytest.mark.parametrize("size", [(40_000, 3), (3, 40_000)])
def test_forty_thousand_pixels_in_one_direction_are_no_bomb(size):
    found = decode(encoded(Image.new("L", size, 90)), (16, 16))
    assert (found.width, found.height) == size
    assert (values(found.image) == 90).all()


def test_a_damaged_exif_block_leaves_a_good_picture():
    blob = encoded(scene(10), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff", quality=95)
    with decoding.silence_decoding():
        assert decode(blob, SIZE).image.size == SIZE
