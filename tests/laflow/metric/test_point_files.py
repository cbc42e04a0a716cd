"""A saved sample is read back bit for bit; whatever else stands in a file is refused; nothing is ever lost."""

import json

import numpy as np
import pytest

from laflow.errors import FileError
from laflow.metric.geometry.point_files import load_points, save_points
from tests.laflow.metric.surfaces import KINDS, sampled

NAMES = ("points", "patch", "dependent", "line", "weights", "omega_squared")


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "points.npz"
    save_points(sampled("dwork", 2, 43), path)
    return path


def rewrite(path, **changes):
    """Save the archive again with other arrays, or without those that are None."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays.update(changes)
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


def with_metadata(path, **changes):
    with np.load(path) as archive:
        metadata = json.loads(archive["metadata"].tobytes())
    metadata.update(changes)
    rewrite(path, metadata=np.frombuffer(json.dumps(metadata).encode(), dtype=np.uint8))


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_samples_come_back_bit_for_bit(kind, dimension, tmp_path):
    sample = sampled(kind, dimension, 43)
    save_points(sample, tmp_path / "points.npz")
    loaded = load_points(tmp_path / "points.npz")
    assert loaded.hypersurface == sample.hypersurface
    for name in NAMES:
        np.testing.assert_array_equal(getattr(loaded, name), getattr(sample, name))


def test_part_of_a_sample_is_a_sample_too(tmp_path):
    part, _ = sampled("fermat", 2, 40).split(0.4, np.random.default_rng(0))
    save_points(part, tmp_path / "points.npz")
    np.testing.assert_array_equal(load_points(tmp_path / "points.npz").line, part.line)


def test_saving_replaces_an_older_sample_and_leaves_nothing_else(saved):
    save_points(sampled("fermat", 1, 9), saved)
    assert len(load_points(saved)) == 9
    assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]


def test_a_file_that_cannot_be_written_leaves_the_old_one(saved, monkeypatch):
    before = saved.read_bytes()

    def full(stream, **arrays):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(FileError, match="disk is full"):
        save_points(sampled("fermat", 1, 9), saved)
    assert saved.read_bytes() == before
    assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95, 0.999])
def test_truncated_files_are_refused(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(FileError, match="damaged, truncated or of another kind"):
        load_points(saved)


def test_files_with_a_changed_byte_in_an_array_are_refused(saved):
    content = bytearray(saved.read_bytes())
    content[content.index(b"points.npy") + 400] ^= 0xFF
    saved.write_bytes(bytes(content))
    with pytest.raises(FileError):
        load_points(saved)


def test_points_off_their_hypersurface_are_refused(saved):
    points = sampled("dwork", 2, 43).points.copy()
    points[3] += 1e-3
    rewrite(saved, points=points)
    with pytest.raises(FileError, match=r"43 points lie off.*sample them again"):
        load_points(saved)


def test_charts_that_are_none_are_refused(saved):
    sample = sampled("dwork", 2, 43)
    rewrite(saved, patch=(sample.patch + 1) % 4, dependent=(sample.patch + 2) % 4)
    with pytest.raises(FileError, match="not in their patch"):
        load_points(saved)
    rewrite(saved, patch=sample.patch + 9)
    with pytest.raises(FileError, match="no consistent sample"):
        load_points(saved)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": "else"}, "holds 'else' of version 1"),
        ({"version": 2}, "of version 2"),
        ({"polynomial": "z0^4+z1^4"}, "no consistent sample"),
        ({"polynomial": "__import__('os')"}, "cannot read the polynomial"),
        ({"polynomial": [3]}, "cannot read the polynomial"),
        ({"count": 44}, "43 points of 44"),
    ],
)
def test_metadata_of_something_else_are_refused(saved, changes, words):
    with_metadata(saved, **changes)
    with pytest.raises(FileError, match=words):
        load_points(saved)


@pytest.mark.parametrize("name", ["metadata", "points", "patch", "dependent", "line"])
def test_missing_arrays_are_refused(saved, name):
    rewrite(saved, **{name: None})
    with pytest.raises(FileError, match=f"no '{name}'"):
        load_points(saved)


def test_arrays_of_another_type_are_refused_and_objects_are_never_read(saved):
    rewrite(saved, line=np.zeros(43))
    with pytest.raises(FileError, match="line of type float64"):
        load_points(saved)
    rewrite(saved, line=np.array([object()] * 43))
    with pytest.raises(FileError, match="damaged, truncated or of another kind"):
        load_points(saved)


def test_a_missing_file_and_a_plain_array_are_refused(tmp_path):
    with pytest.raises(FileError, match="there is no sample of points"):
        load_points(tmp_path / "nothing.npz")
    np.save(tmp_path / "array.npy", np.ones(3))
    with pytest.raises(FileError, match="so it is no sample"):
        load_points(tmp_path / "array.npy")
