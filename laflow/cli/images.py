"""Reading images and truths from PNG, TIFF and NPY files, and writing label maps to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from laflow.cli.files import write_file
from laflow.errors import FileError, LaflowError, ShapeError, ValueRangeError

MAX_LABELS = 64
PNG_END = b"IEND\xaeB`\x82"


@dataclass(frozen=True)
class Truths:
    """Label maps with labels 0..J-1, and the J values that stood for them in the files (`values[label]`)."""

    labels: list[np.ndarray]
    values: np.ndarray


def read_array(path: Path) -> np.ndarray:
    """The array in a PNG, TIFF or NPY file, with the data type of the file, without an opaque alpha.

    Raises:
        FileError: no such file, another kind of file, or a damaged one.
        ValueRangeError: an empty array, numbers that are not real, or transparent pixels.
    """
    read = _reader(path)
    if not path.exists():
        raise FileError(f"no such file: {path}")
    if not path.is_file():
        raise FileError(f"{path} is a folder, not a file; name a PNG, TIFF or NPY file")
    try:
        array = read(path)
    except LaflowError:
        raise
    except PermissionError as error:
        raise FileError(f"cannot read {path}: no permission; change the permissions of the file") from error
    except Exception as error:  # decoders raise whatever they like on damaged files
        cause = (str(error).splitlines() or [type(error).__name__])[0][:160]
        raise FileError(
            f"cannot read {path}: damaged, truncated, or no {path.suffix[1:].upper()} file ({cause}); save it again"
        ) from error
    if array.size == 0:
        raise ValueRangeError(f"{path} is empty: its shape is {array.shape}; give an image with pixels")
    if array.dtype.kind not in "buif":
        raise ValueRangeError(f"{path} holds values of type {array.dtype}; they have to be real numbers")
    return array


def as_image(array: np.ndarray, path: Path, dimensions: int) -> np.ndarray:
    """The array as an image `(*shape, C)` in float64, where `shape` has `dimensions` axes.

    Unsigned integers are scaled by the largest value of their type to [0, 1]; other numbers stay as they are.

    Raises:
        ShapeError: the array has other axes than `dimensions`, with or without one for channels.
        ValueRangeError: NaN or infinite values.
    """
    if array.ndim == dimensions:
        array = array[..., None]
    if array.ndim != dimensions + 1:
        raise ShapeError(
            f"{path} has shape {array.shape}; an image with {dimensions} axes is needed, "
            "with or without one more for the channels, last"
        )
    scale = np.iinfo(array.dtype).max if array.dtype.kind == "u" else 1
    image = np.ascontiguousarray(array, dtype=np.float64) / scale
    bad = ~np.isfinite(image)
    if bad.any():
        where = tuple(int(index) for index in np.argwhere(bad)[0][:-1])
        raise ValueRangeError(
            f"{path} holds {np.count_nonzero(bad)} non-finite values, the first at pixel {where} "
            f"({image[bad][0]}); replace them"
        )
    return image


def read_truths(paths: Sequence[Path], arrays: Sequence[np.ndarray] | None = None) -> Truths:
    """Label maps from files: any whole numbers of 0 or more; in order they become labels 0..J-1.

    Raises:
        FileError: as `read_array`.
        ShapeError: a truth in colour.
        ValueRangeError: values that are no labels, one label only, or more than `MAX_LABELS`.
    """
    maps = [
        _label_values(array, path)
        for path, array in zip(paths, arrays or [read_array(path) for path in paths], strict=True)
    ]
    values = np.unique(np.concatenate([np.unique(found) for found in maps]))
    named = ", ".join(str(path) for path in paths)
    if values.size < 2:
        raise ValueRangeError(f"{named} has one label only ({values[0]}); at least two labels are needed")
    if values.size > MAX_LABELS:
        raise ValueRangeError(
            f"{named} has {values.size} different values, at most {MAX_LABELS} labels are possible; "
            "if these are instance numbers or grey values, turn them into class labels first"
        )
    return Truths(labels=[np.searchsorted(values, found).astype(np.int64) for found in maps], values=values)


def check_same_shape(image: np.ndarray, image_path: Path, truth: np.ndarray, truth_path: Path) -> None:
    """Raise ShapeError unless the image, with or without a channel axis, has the shape of the truth."""
    if truth.shape not in (image.shape, image.shape[:-1]):
        raise ShapeError(
            f"{truth_path} has shape {truth.shape}, but {image_path} has shape {image.shape}; "
            "a truth has one label for each pixel of its image"
        )


def write_labels(path: Path, labels: np.ndarray) -> None:
    """Write label values to a PNG, TIFF or NPY file, by its suffix, in the narrowest type that holds them.

    Raises:
        FileError: the file cannot be written, or PNG was asked for labels that are not two-dimensional.
    """
    narrow = labels.astype(np.min_scalar_type(int(labels.max())))
    suffix = path.suffix.lower()
    if suffix == ".npy":
        write_file(path, lambda stream: np.save(stream, narrow, allow_pickle=False))
    elif suffix in (".tif", ".tiff"):
        import tifffile

        write_file(path, lambda stream: tifffile.imwrite(stream, narrow, compression="zlib"))
    elif suffix == ".png" and narrow.ndim == 2 and narrow.itemsize <= 2:
        import imageio.v3 as iio

        write_file(path, lambda stream: iio.imwrite(stream, narrow, extension=".png"))
    else:
        raise FileError(f"cannot write labels of shape {labels.shape} to {path}; use .png (2-D), .tif or .npy")


def write_colors(path: Path, labels: np.ndarray, count: int) -> None:
    """Write labels 0..count-1, `(H, W)`, as a PNG in the colours of the pictures. Raises FileError."""
    import imageio.v3 as iio

    from laflow.cli.pictures import label_colors

    shown = np.round(255 * label_colors(count)).astype(np.uint8)[labels]
    write_file(path, lambda stream: iio.imwrite(stream, shown, extension=".png"))


def _reader(path: Path) -> Callable[[Path], np.ndarray]:
    readers = {".png": _read_png, ".tif": _read_tiff, ".tiff": _read_tiff, ".npy": _read_npy}
    try:
        return readers[path.suffix.lower()]
    except KeyError:
        found = f"ends in {path.suffix!r}" if path.suffix else "has no suffix"
        raise FileError(f"{path} {found}; PNG, TIFF and NPY files are read (.png, .tif, .tiff, .npy)") from None


def _read_png(path: Path) -> np.ndarray:
    import imageio.v3 as iio

    content = path.read_bytes()
    if PNG_END not in content:  # the decoder would not miss it if the pixels were all there
        raise ValueError("the end of the file is missing")
    return _without_alpha(np.asarray(iio.imread(content, plugin="pillow", extension=".png")), path)


def _read_tiff(path: Path) -> np.ndarray:
    import tifffile

    return np.asarray(tifffile.imread(path))


def _read_npy(path: Path) -> np.ndarray:
    if _holds_objects(path):
        raise ValueRangeError(f"{path} holds Python objects, not numbers, and would have to be run to be read")
    # Mapped first: a header that promises more than the file holds is refused before memory is taken for it.
    return np.array(np.load(path, mmap_mode="r", allow_pickle=False))


def _holds_objects(path: Path) -> bool:
    with open(path, "rb") as stream:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        return bool(read_header(stream)[2].hasobject)


def _without_alpha(array: np.ndarray, path: Path) -> np.ndarray:
    if array.ndim != 3 or array.shape[-1] not in (2, 4):
        return array
    transparent = np.count_nonzero(array[..., -1] != np.iinfo(array.dtype).max)
    if transparent:
        raise ValueRangeError(
            f"{path} has transparent pixels ({transparent} of them); flatten it onto a background first"
        )
    opaque = array[..., :-1]
    return opaque[..., 0] if opaque.shape[-1] == 1 else opaque


def _label_values(array: np.ndarray, path: Path) -> np.ndarray:
    """Whole numbers of 0 or more, one a pixel."""
    if array.ndim == 3 and array.shape[-1] == 3:
        if not np.array_equal(array.min(axis=-1), array.max(axis=-1)):
            raise ShapeError(
                f"{path} is in colour, its shape is {array.shape}; a truth has one number for each pixel, its label"
            )
        array = array[..., 0]
    odd = ~np.isfinite(array) | (array < 0) | (array != np.floor(array)) if array.dtype.kind in "if" else None
    if odd is not None and odd.any():
        where = tuple(int(index) for index in np.argwhere(odd)[0])
        raise ValueRangeError(
            f"{path} has the value {array[where]} at pixel {where}; labels are whole numbers of 0 or more"
        )
    return array.astype(np.int64)
