"""Files that cannot be used are refused by an error that names the file and what was found."""

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from laflow.cli import images
from laflow.errors import FileError, LaflowError, ShapeError, ValueRangeError

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)


@pytest.fixture
def folder(tmp_path):
    iio.imwrite(tmp_path / "grey.png", GREY)
    iio.imwrite(tmp_path / "deep.png", GREY.astype(np.uint16) * 1000)
    iio.imwrite(tmp_path / "color.png", np.stack([GREY, GREY + 1, GREY + 2], axis=-1))
    tifffile.imwrite(tmp_path / "grey.tif", GREY)
    tifffile.imwrite(tmp_path / "real.tiff", GREY.astype(np.float32) / 7)
    np.save(tmp_path / "grey.npy", GREY)
    return tmp_path


@pytest.mark.parametrize("name", ["grey.png", "grey.tif", "grey.npy"])
def test_every_kind_of_file_gives_the_same_array(folder, name):
    np.testing.assert_array_equal(images.read_array(folder / name), GREY)


def test_the_depth_of_the_file_is_kept_and_scaled_by_its_type(folder):
    deep = images.read_array(folder / "deep.png")
    assert deep.dtype == np.uint16
    np.testing.assert_allclose(images.as_image(deep, folder / "deep.png", 2)[..., 0], GREY * 1000.0 / 65535, rtol=1e-15)
    real = images.read_array(folder / "real.tiff")
    np.testing.assert_array_equal(images.as_image(real, folder / "real.tiff", 2)[..., 0], real)


@pytest.mark.parametrize("name", ["grey.png", "deep.png", "color.png", "grey.tif", "real.tiff", "grey.npy"])
@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_refused_and_named(folder, name, keep):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(FileError, match=rf"{name}: damaged, truncated"):
        images.read_array(folder / name)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("content", [b"hello, this is text", bytes(range(256)) * 8, b"<html></html>"])
def test_a_file_of_another_kind_is_refused(tmp_path, suffix, content):
    (tmp_path / f"text{suffix}").write_bytes(content)
    with pytest.raises(FileError, match=r"no (PNG|TIF|NPY) file"):
        images.read_array(tmp_path / f"text{suffix}")


def test_an_array_that_needs_pickle_is_refused_and_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    np.save(tmp_path / "trap.npy", np.array([Trap()], dtype=object), allow_pickle=True)
    with pytest.raises(ValueRangeError, match=r"trap\.npy holds Python objects"):
        images.read_array(tmp_path / "trap.npy")
    assert not (tmp_path / "sprung").exists()


def test_a_header_that_promises_terabytes_takes_no_memory(tmp_path):
    with open(tmp_path / "huge.npy", "wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (10**6, 10**6)})
    with pytest.raises(FileError, match=r"huge\.npy"):
        images.read_array(tmp_path / "huge.npy")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("missing.png", "no such file"),
        ("photo.jpg", r"ends in '\.jpg'"),
        ("noise", "has no suffix"),
        ("folder.png", "is a folder"),
    ],
)
def test_what_is_no_readable_file_is_refused(tmp_path, name, found):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(FileError, match=found):
        images.read_array(tmp_path / name)


@pytest.mark.parametrize(
    ("array", "found"),
    [
        (np.zeros((0, 5)), r"empty: its shape is \(0, 5\)"),
        (np.zeros((4, 4), dtype=complex), "complex128"),
        (np.full((2, 2), "cell"), "<U4"),
    ],
)
def test_arrays_that_are_no_image_are_refused(tmp_path, array, found):
    np.save(tmp_path / "array.npy", array)
    with pytest.raises(LaflowError, match=found):
        images.read_array(tmp_path / "array.npy")


def test_non_finite_pixels_are_counted_and_located(tmp_path):
    array = np.zeros((4, 5))
    array[1, 2], array[3, 3] = np.nan, np.inf
    with pytest.raises(ValueRangeError, match=r"2 non-finite values, the first at pixel \(1, 2\) \(nan\)"):
        images.as_image(array, tmp_path / "array.npy", 2)


@pytest.mark.parametrize("shape", [(5,), (4, 5, 3, 2)])
def test_an_image_of_another_dimension_is_refused(tmp_path, shape):
    with pytest.raises(ShapeError, match="2 axes"):
        images.as_image(np.zeros(shape), tmp_path / "array.npy", 2)


def test_an_opaque_alpha_channel_is_dropped_and_a_transparent_one_refused(tmp_path):
    opaque = np.dstack([GREY, GREY, GREY, np.full_like(GREY, 255)])
    iio.imwrite(tmp_path / "opaque.png", opaque)
    np.testing.assert_array_equal(images.read_array(tmp_path / "opaque.png"), opaque[..., :3])
    opaque[0, 0, 3] = 10
    iio.imwrite(tmp_path / "clear.png", opaque)
    with pytest.raises(ValueRangeError, match=r"transparent pixels \(1 of them\)"):
        images.read_array(tmp_path / "clear.png")


def truths_of(tmp_path, *arrays):
    paths = [tmp_path / f"truth{index}.npy" for index in range(len(arrays))]
    for path, array in zip(paths, arrays, strict=True):
        np.save(path, array)
    return images.read_truths(paths)


def test_labels_are_the_distinct_values_of_all_truths_in_order(tmp_path):
    truths = truths_of(tmp_path, np.array([[0, 255]], dtype=np.uint8), np.array([[255.0, 7.0]]))
    np.testing.assert_array_equal(truths.values, [0, 7, 255])
    np.testing.assert_array_equal(truths.labels[0], [[0, 2]])
    np.testing.assert_array_equal(truths.labels[1], [[2, 1]])


def test_a_grey_truth_saved_in_rgb_is_read_as_labels(tmp_path):
    truths = truths_of(tmp_path, np.repeat(np.array([[[0], [255]]], dtype=np.uint8), 3, axis=-1))
    np.testing.assert_array_equal(truths.labels[0], [[0, 1]])


@pytest.mark.parametrize(
    ("truth", "error", "found"),
    [
        (np.zeros((3, 3), dtype=int), ValueRangeError, r"one label only \(0\)"),
        (np.array([[0, -1]]), ValueRangeError, r"value -1 at pixel \(0, 1\)"),
        (np.array([[0.0, 0.5]]), ValueRangeError, r"value 0\.5"),
        (np.array([[0.0, np.nan]]), ValueRangeError, "value nan"),
        (np.arange(100).reshape(10, 10), ValueRangeError, "100 different values, at most 64"),
        (np.arange(27).reshape(3, 3, 3) % 5, ShapeError, r"in colour, its shape is \(3, 3, 3\)"),
    ],
)
def test_a_truth_that_is_no_label_map_is_refused(tmp_path, truth, error, found):
    with pytest.raises(error, match=found):
        truths_of(tmp_path, truth)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("largest", [1, 255, 300])
def test_labels_come_back_as_they_were_written(tmp_path, suffix, largest):
    labels = np.array([[0, largest], [1, 0]])
    images.write_labels(tmp_path / f"labels{suffix}", labels)
    np.testing.assert_array_equal(images.read_array(tmp_path / f"labels{suffix}"), labels)
