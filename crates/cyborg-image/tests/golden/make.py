"""Writes the golden files of cyborg-image with PIL. Run in this folder; versions go into versions.txt.

Needs Pillow below 13: up to 12 the columns are always resampled first (but for images more than 100 times as tall as
wide, since 11), from 13 on whichever order costs less, which changes last bits where the shapes differ.

resize.txt   width height channels new_width new_height FNV-1a-64 of the resized bytes [the bytes in hex, if few]
decode.txt   file, width, height, convert("RGB") in hex, convert("L") in hex
files/       small images of every kind, made here
"""

import pathlib
import sys

import numpy as np
import PIL
from PIL import Image, features

HERE = pathlib.Path(__file__).parent
FILES = HERE / "files"


def pattern(width, height, channels):
    """The same formula is in tests/resize.rs: wrapping 32-bit products, then byte 1 of their exclusive or."""
    y, x, c = np.meshgrid(
        np.arange(height, dtype=np.uint32),
        np.arange(width, dtype=np.uint32),
        np.arange(channels, dtype=np.uint32),
        indexing="ij",
    )
    mixed = (x * np.uint32(73856093)) ^ (y * np.uint32(19349663)) ^ (c * np.uint32(83492791))
    return ((mixed >> np.uint32(8)) & np.uint32(255)).astype(np.uint8)


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def image(array):
    return Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def resize_cases():
    sides = [1, 2, 3, 5, 7, 8, 16, 31, 64]
    for old in sides:
        for new in sides:
            yield old, old, 1, new, new
            yield old, 3, 3, new, 3  # columns only
            yield 2, old, 3, 2, new  # rows only
    generator = np.random.default_rng(0)
    for _ in range(150):
        w, h, new_w, new_h = (int(v) for v in generator.integers(1, 120, 4))
        yield w, h, int(generator.choice([1, 3])), new_w, new_h
    for case in [
        (1024, 1024, 3, 224, 224),
        (1024, 768, 3, 299, 299),
        (640, 480, 3, 224, 224),
        (500, 323, 1, 7, 7),
        (224, 224, 1, 7, 7),
        (299, 299, 1, 8, 8),
        (299, 299, 1, 10, 10),
        (178, 218, 3, 224, 224),
        (4000, 3, 1, 17, 1),
        (20, 1500, 3, 5, 13),
        (100, 100, 3, 299, 299),
    ]:
        yield case


def write_resize():
    with open(HERE / "resize.txt", "w") as out:
        for w, h, channels, new_w, new_h in resize_cases():
            resized = np.asarray(image(pattern(w, h, channels)).resize((new_w, new_h), Image.BILINEAR)).tobytes()
            line = f"{w} {h} {channels} {new_w} {new_h} {fnv(resized)}"
            if len(resized) <= 32:
                line += " " + resized.hex()
            out.write(line + "\n")


def smooth(width, height):
    """Slow waves: what JPEG is made for, so that decoders differ by rounding and nothing else."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 100 * np.sin(x / 7 + y / 11), 128 + 90 * np.cos(x / 9 - y / 5), 128 + 80 * np.sin(y / 6)]
    return np.stack(waves, axis=2).astype(np.uint8)


def write_files():
    FILES.mkdir(exist_ok=True)
    rgb = pattern(5, 4, 3)
    rgba = pattern(5, 4, 4)
    grey = pattern(5, 4, 1)[:, :, 0]
    Image.fromarray(rgb).save(FILES / "rgb.png")
    Image.fromarray(rgba).save(FILES / "rgba.png")
    Image.fromarray(grey).save(FILES / "grey.png")
    Image.fromarray(np.dstack([grey, 255 - grey])).save(FILES / "grey-alpha.png")
    Image.fromarray(grey > 100).save(FILES / "one-bit.png")
    Image.fromarray(rgb).quantize(4).save(FILES / "palette-2-bit.png", bits=2)
    Image.fromarray(rgb).quantize(7).save(FILES / "palette-transparent.png", transparency=2)
    Image.fromarray(grey[:1, :1]).save(FILES / "one-pixel.png")
    Image.fromarray(rgb).save(FILES / "rgb.tiff")
    Image.fromarray(grey).save(FILES / "grey-deflate.tiff", compression="tiff_adobe_deflate")
    Image.fromarray(rgb).save(FILES / "rgb.bmp")
    Image.fromarray(rgb).save(FILES / "lossless.webp", lossless=True)
    # 16 bits: grey by PIL; colour by hand, as PIL cannot write it.
    sixteen = (pattern(5, 4, 1)[:, :, 0].astype(np.uint16) << 8) | pattern(4, 5, 1)[:, :, 0].T
    Image.fromarray(sixteen).save(FILES / "grey-16-bit.png")
    write_png16(FILES / "rgb-16-bit.png", (rgb.astype(np.uint16) << 8) | (255 - rgb))
    waves = Image.fromarray(smooth(19, 13))
    waves.save(FILES / "444.jpg", quality=90, subsampling=0)
    waves.save(FILES / "420.jpg", quality=90, subsampling=2)
    waves.save(FILES / "422-progressive.jpg", quality=90, subsampling=1, progressive=True)
    waves.convert("L").save(FILES / "grey.jpg", quality=90)
    waves.convert("CMYK").save(FILES / "cmyk.jpg", quality=90)
    # A JPEG that says "turn me": 6 is a quarter turn.
    exif = Image.Exif()
    exif[0x0112] = 6
    waves.save(FILES / "turned.jpg", quality=90, subsampling=0, exif=exif)
    waves.save(FILES / "really-a-jpeg.png", format="JPEG", quality=90, subsampling=0)


def write_png16(path, array):
    import struct
    import zlib

    height, width, _ = array.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


def write_decode():
    with open(HERE / "decode.txt", "w") as out:
        for path in sorted(FILES.iterdir()):
            opened = Image.open(path)
            rgb = np.asarray(opened.convert("RGB")).tobytes().hex()
            grey = np.asarray(opened.convert("L")).tobytes().hex()
            out.write(f"{path.name} {opened.width} {opened.height} {rgb} {grey}\n")


assert int(PIL.__version__.split(".")[0]) < 13, "see above"
write_resize()
write_files()
write_decode()
(HERE / "versions.txt").write_text(
    f"Python {sys.version.split()[0]}, Pillow {PIL.__version__}, NumPy {np.__version__}, "
    f"libjpeg-turbo {features.version('libjpeg_turbo')}\n"
)
