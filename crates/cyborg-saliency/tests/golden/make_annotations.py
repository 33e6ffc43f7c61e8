"""Writes what readers and drawing are compared with, and the samples that cannot be written by hand: run in this folder.

- gaussian.txt: SciPy's Gaussian filter in 64-bit floats
- coverage.txt: shapes drawn by PIL at 256 times the size, averaged
- resample.txt: PIL's bilinear resize of 32-bit float images, whole and of a box
- exif.txt: what PIL's `exif_transpose` makes of each orientation
- runs.txt: pycocotools' run lengths of random masks
- files/: EXIF photographs, NPY, TIFF, PNG and MATLAB files of the arrays in files.txt
- ../../samples/: masks, an EyeTagger table, a gaze file of MATLAB
"""

import base64
import io
import pathlib
import struct
import sys

import numpy as np
import PIL
import scipy
import scipy.io
import scipy.ndimage
import tifffile
from PIL import Image, ImageDraw, ImageOps
from pycocotools import mask as coco

HERE = pathlib.Path(__file__).parent
FILES = HERE / "files"
SAMPLES = HERE.parent.parent / "samples"
FILES.mkdir(exist_ok=True)


def noise(width, height):
    """Values in [0, 1), the same as `noise` in tests/support."""
    y, x = np.mgrid[0:height, 0:width]
    mixed = (x.astype(np.uint32) * np.uint32(73856093)) ^ (y.astype(np.uint32) * np.uint32(19349663))
    return ((mixed >> np.uint32(8)) & np.uint32(255)).astype(np.float64) / 256


def numbers(array):
    return " ".join(f"{value:.9g}" for value in np.asarray(array).ravel())


def save_mat(path, variables, **settings):
    """As SciPy, without the date in the header: the same bytes at every run."""
    scipy.io.savemat(path, variables, **settings)
    written = path.read_bytes()
    path.write_bytes(b"MATLAB 5.0 MAT-file, written by SciPy".ljust(116) + written[116:])


def gaussian():
    with open(HERE / "gaussian.txt", "w") as out:
        for mode in ["reflect", "constant", "nearest", "mirror", "wrap"]:
            for width, height, sx, sy, truncate in [
                (17, 11, 1.0, 1.0, 4.0),
                (17, 11, 2.5, 0.7, 4.0),
                (9, 13, 6.0, 5.0, 4.0),  # the kernel is wider than the map
                (12, 8, 7.0, 7.0, 24.2 / 28),
                (7, 5, 0.0, 1.3, 3.0),
                (1, 6, 2.0, 2.0, 4.0),
            ]:
                found = scipy.ndimage.gaussian_filter(noise(width, height), (sy, sx), mode=mode, truncate=truncate)
                print(mode, width, height, sx, sy, truncate, numbers(found), file=out)


SHAPES = {
    # Polygons: rings are joined by even-odd, which PIL does not do for several rings: draw each and combine by xor.
    "triangle": [[(3.3, 2.1), (20.7, 5.4), (8.2, 14.6)]],
    "star": [[(12, 1), (16, 15), (2, 6), (22, 6), (8, 15)]],  # crosses itself: its middle is outside
    "ring": [[(2, 2), (21.5, 2), (21.5, 13.5), (2, 13.5)], [(6.25, 5.5), (17, 4.5), (15, 11.75)]],
    "rectangle": [[(4.25, 3.5), (15.75, 3.5), (15.75, 9.125), (4.25, 9.125)]],
}
STROKES = {
    "dot": ([(10.3, 7.7)], 7.0),
    "line": ([(4.2, 5.1), (19.4, 10.3)], 4.5),
    "bend": ([(3, 12), (10, 3), (14, 12.5), (21, 4)], 3.0),
    "edge": ([(-2, 4), (30, 9)], 5.0),
}


def coverage():
    width, height, by = 24, 16, 256
    with open(HERE / "coverage.txt", "w") as out:
        for name, rings in SHAPES.items():
            total = np.zeros((height * by, width * by), bool)
            for ring in rings:
                # PIL fills by even-odd; a pixel of a large drawing is at its middle, and edges are drawn, too: half a
                # large pixel more on every side, 1/512 of ours.
                image = Image.new("1", (width * by, height * by))
                ImageDraw.Draw(image).polygon([(x * by - 0.5, y * by - 0.5) for x, y in ring], fill=1)
                total ^= np.asarray(image)
            print("polygon", name, numbers(total.reshape(height, by, width, by).mean((1, 3))), file=out)
        for name, (points, brush) in STROKES.items():
            image = Image.new("1", (width * by, height * by))
            draw = ImageDraw.Draw(image)
            large = [(x * by - 0.5, y * by - 0.5) for x, y in points]
            radius = brush * by / 2
            for (x0, y0), (x1, y1) in zip(large, large[1:]):
                # As a polygon: PIL's own wide lines round their corners to whole pixels.
                length = np.hypot(x1 - x0, y1 - y0)
                nx, ny = -(y1 - y0) / length * radius, (x1 - x0) / length * radius
                draw.polygon([(x0 + nx, y0 + ny), (x1 + nx, y1 + ny), (x1 - nx, y1 - ny), (x0 - nx, y0 - ny)], fill=1)
            for x, y in large:
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=1)
            total = np.asarray(image)
            print("stroke", name, numbers(total.reshape(height, by, width, by).mean((1, 3))), file=out)


def resample():
    with open(HERE / "resample.txt", "w") as out:
        for width, height in [(17, 11), (5, 3)]:
            image = Image.fromarray(noise(width, height).astype(np.float32), mode="F")
            for new_width, new_height in [(17, 11), (7, 7), (8, 23), (33, 20)]:
                for box in [(0, 0, width, height), (1.5, 0.25, width - 2, height - 0.5)]:
                    found = image.resize((new_width, new_height), Image.BILINEAR, box=box)
                    print(width, height, new_width, new_height, *box, numbers(np.asarray(found)), file=out)


def exif():
    stored = np.arange(15, dtype=np.uint8).reshape(3, 5) * 16  # 5 wide, 3 high: no symmetry
    with open(HERE / "exif.txt", "w") as out:
        for orientation in range(1, 9):
            image = Image.fromarray(stored)
            tags = Image.Exif()
            tags[0x0112] = orientation
            for ending, more in [("png", {}), ("jpg", {"quality": 95}), ("tiff", {}), ("webp", {"lossless": True})]:
                path = FILES / f"orientation-{orientation}.{ending}"
                if ending == "jpg" or orientation in (1, 6):
                    image.save(path, exif=tags, **more)
            image.info["exif"] = tags.tobytes()
            buffer = io.BytesIO()
            image.save(buffer, "png", exif=tags)
            upright = np.asarray(ImageOps.exif_transpose(Image.open(buffer)))
            print(orientation, upright.shape[1], upright.shape[0], *upright.ravel().tolist(), file=out)


def runs():
    rng = np.random.default_rng(0)
    with open(HERE / "runs.txt", "w") as out:
        for width, height in [(6, 4), (1, 9), (13, 7), (200, 90), (640, 480)]:
            for share in [0.0, 0.1, 0.5, 1.0]:
                mask = rng.random((height, width)) < share
                if width >= 200:  # long runs, so that counts need several groups of bits
                    mask = np.zeros((height, width), bool)
                    mask[int(height * share / 3) : int(height * (0.4 + share / 2)), 5 : int(width * 0.8)] = share > 0
                encoded = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
                assert (coco.decode(encoded) == mask).all()
                flat = mask.ravel(order="F")
                edges = np.flatnonzero(np.diff(np.concatenate([[0], flat.astype(int)]))).tolist()
                counts = np.diff([0, *edges, flat.size]).tolist()
                assert coco.frPyObjects({"size": [height, width], "counts": counts}, height, width) == encoded
                # The mask's area and its moments: sums of columns and rows of marked pixels.
                y, x = np.nonzero(mask)
                text = encoded["counts"].decode()
                print(width, height, text, ",".join(map(str, counts)), mask.sum(), x.sum(), y.sum(), file=out)


def files():
    small = noise(5, 3)
    with open(HERE / "files.txt", "w") as out:

        def note(name, values):
            print(name, values.shape[1], values.shape[0], numbers(values.astype(np.float32)), file=out)

        for kind in ["u1", "u2", "i4", "i8", ">u2", ">f4", "<f2", "<f4", "<f8"]:
            array = (small * 100).astype(kind)
            name = f"array-{kind.replace('<', 'l').replace('>', 'b')}.npy"
            np.save(FILES / name, array)
            note(name, array.astype(np.float64))
        np.save(FILES / "array-bool.npy", small > 0.5)
        note("array-bool.npy", (small > 0.5).astype(np.float64))
        np.save(FILES / "array-fortran.npy", np.asfortranarray(small))
        note("array-fortran.npy", small)
        np.save(FILES / "array-singletons.npy", small[None, :, :, None])
        note("array-singletons.npy", small)
        for kind in [np.float32, np.float64, np.uint16, np.uint8]:
            array = small.astype(kind) if np.issubdtype(kind, np.floating) else (small * np.iinfo(kind).max).astype(kind)
            scale = 1 if np.issubdtype(kind, np.floating) else np.iinfo(kind).max
            name = f"map-{np.dtype(kind).name}.tiff"
            tifffile.imwrite(FILES / name, array, compression="zlib" if kind != np.float64 else None)
            note(name, array.astype(np.float64) / scale)
        deep = (small * 65535).astype(np.uint16)
        Image.fromarray(deep).save(FILES / "map-16-bit.png")
        note("map-16-bit.png", deep.astype(np.float64) / 65535)
        classes = Image.fromarray((small * 7).astype(np.uint8), mode="P")
        classes.putpalette([value for index in range(8) for value in (index * 30, 255 - index, 7)])
        classes.save(FILES / "classes.png", bits=4)
        for compressed in [True, False]:
            name = f"map-{'compressed' if compressed else 'plain'}.mat"
            save_mat(FILES / name, {"map": small}, do_compression=compressed)
            note(name, small)
        mixed = {"map": (small * 200).astype(np.uint8), "text": "words", "cell": np.array([[1, "a"]], dtype=object)}
        save_mat(FILES / "map-uint8-beside-others.mat", mixed)
        note("map-uint8-beside-others.mat", mixed["map"].astype(np.float64))


def gaze_struct():
    people = np.empty((2, 1), object)
    for index, (x, y, seconds) in enumerate([([10.5, 20], [12.25, 15], [246, 136]), ([11], [12], [300])]):
        people[index, 0] = {
            "fix_x": np.array([x], float),
            "fix_y": np.array([y], float),
            "fix_duration": np.array([seconds], np.uint16),
        }
    images = np.empty((1, 1), object)
    images[0, 0] = {"img": "0001.png", "subjects": people}
    return images


def samples():
    mask = np.zeros((30, 40), np.uint8)
    mask[8:20, 10:30] = 255
    Image.fromarray(mask).save(SAMPLES / "masks/ann/0001.png")
    tifffile.imwrite(SAMPLES / "masks/bob/0001.tiff", (mask / 255 * 0.5).astype(np.float32), compression="zlib")
    np.save(SAMPLES / "heat.npy", mask[::2, ::2].astype(np.float16) / 255)
    save_mat(SAMPLES / "gaze.mat", {"fixations": gaze_struct()}, do_compression=True)
    canvas = np.zeros((30, 40, 4), np.uint8)
    canvas[5:10, 20:35] = (0, 255, 0, 0x55)
    buffer = io.BytesIO()
    Image.fromarray(canvas).save(buffer, "png")
    picture = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    svg = "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='30'><path d='M5 5L20 20' fill='none' stroke='lime' stroke-width='4'/></svg>"
    with open(SAMPLES / "eyetagger.json", "w") as out:
        out.write("[\n")
        rows = [(1, 4, "0001", picture), (2, 5, "0001", svg), (3, 5, "0002", "")]
        lines = [f' {{"pk": {a}, "annotator": {b}, "image": "{c}", "annotation": "{d}"}}' for a, b, c, d in rows]
        out.write(",\n".join(lines) + "\n]\n")
    with open(SAMPLES / "eyetagger.csv", "w") as out:
        out.write("id,annotator_id,image_id,annotation\n")
        for a, b, c, d in rows:
            out.write(f'{a},{b},{c},"{d}"\n')
    # LabelMe writes masks as PNG of 0 and 1 over the box between two points.
    part = np.array([[1, 1, 0], [0, 1, 1]], np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(part).save(buffer, "png")
    text = base64.b64encode(buffer.getvalue()).decode()
    with open(SAMPLES / "labelme/0002.json", "w") as out:
        out.write(
            '{"shapes": [{"label": "spot", "points": [[2, 1], [4, 2]], "shape_type": "mask",\n'
            f'  "mask": "{text}"}}],\n "imagePath": "0002.png", "imageHeight": 4, "imageWidth": 6}}\n'
        )


for part in [gaussian, coverage, resample, exif, runs, files, samples]:
    part()
(HERE / "annotations-versions.txt").write_text(
    f"Python {sys.version.split()[0]}, NumPy {np.__version__}, SciPy {scipy.__version__}, Pillow {PIL.__version__}, "
    f"tifffile {tifffile.__version__}, pycocotools 2.0.11\n"
)
