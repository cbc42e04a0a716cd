"""A saved model labels as the one in memory; whatever else stands in a file is refused; nothing is ever lost."""

import errno
import json
import os

import numpy as np
import pytest

from laflow import FileError, LabelingModel, ModelError, WeightPredictor, load_model, save_model


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    predictor = WeightPredictor(rng.random((5, 18)), rng.standard_normal((5, 9)), 1.7)
    return LabelingModel(
        predictor, rng.random((3, 2)), 2.5, 0.4, 6, label_values=(0, 128, 255), notes={"fitted on": "noise"}
    )


@pytest.fixture
def image():
    return np.random.default_rng(1).random((7, 6, 2))


@pytest.fixture
def saved(model, tmp_path):
    path = tmp_path / "model.npz"
    save_model(model, path)
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


def test_a_model_labels_the_same_after_a_round_trip(model, saved, image):
    loaded = load_model(saved)
    np.testing.assert_array_equal(loaded.label(image).tangent, model.label(image).tangent)
    for name in ("time", "distance_scale", "krylov_dim", "label_values", "notes"):
        assert getattr(loaded, name) == getattr(model, name)
    np.testing.assert_array_equal(loaded.predictor.directions, model.predictor.directions)


def test_saving_replaces_an_older_model_and_leaves_nothing_else(model, saved, tmp_path):
    save_model(model, saved)
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.npz"]


@pytest.mark.parametrize("existing", [True, False])
def test_a_full_disk_leaves_the_old_file_and_no_partial_one(model, tmp_path, monkeypatch, existing):
    path = tmp_path / "model.npz"
    if existing:
        path.write_bytes(b"precious")

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match=r"model\.npz.*space"):
        save_model(model, path)
    assert [entry.name for entry in tmp_path.iterdir()] == (["model.npz"] if existing else [])
    if existing:
        assert path.read_bytes() == b"precious"


def test_a_folder_that_does_not_exist_is_named(model, tmp_path):
    with pytest.raises(FileError, match="nowhere"):
        save_model(model, tmp_path / "nowhere" / "model.npz")


@pytest.mark.parametrize("kept", [0, 1, 10, 100, 500, 0.5, 0.9, -1])
def test_a_truncated_file_is_refused(saved, kept):
    content = saved.read_bytes()
    end = int(kept * len(content)) if isinstance(kept, float) else kept
    saved.write_bytes(content[:end])
    with pytest.raises(ModelError, match=r"model\.npz"):
        load_model(saved)


def test_flipped_bytes_are_noticed(saved):
    content = bytearray(saved.read_bytes())
    middle = content.find(b"\x93NUMPY") + 200
    content[middle] ^= 0xFF
    saved.write_bytes(bytes(content))
    with pytest.raises(ModelError):
        load_model(saved)


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "foreign.npz"
    with pytest.raises(ModelError, match=r"no model .*foreign"):
        load_model(path)
    path.write_text("not a model")
    with pytest.raises(ModelError, match=r"foreign\.npz"):
        load_model(path)
    np.savez(path, something=np.zeros(3))
    with pytest.raises(ModelError, match="metadata"):
        load_model(path)
    with open(path, "wb") as stream:
        np.save(stream, np.zeros(3))
    with pytest.raises(ModelError, match="no model"):
        load_model(path)
    with pytest.raises(ModelError):
        load_model(tmp_path)


def test_pickled_objects_are_never_loaded(saved):
    rewrite(saved, prototypes=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ModelError):
        load_model(saved)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"version": 99}, "99"),
        ({"format": "something else"}, "something else"),
        ({"time": -1.0}, "-1"),
        ({"krylov_dim": 0}, "0"),
        ({"radius": 2}, "25"),
        ({"feature_radius": 2}, "18"),
        ({"scale": None}, "scale"),
    ],
)
def test_inconsistent_metadata_is_refused_with_the_value_found(saved, changes, found):
    with_metadata(saved, **changes)
    with pytest.raises(ModelError, match=found):
        load_model(saved)


def test_metadata_that_is_no_json_object_is_refused(saved):
    for text in (b"[1, 2]", b"{", b"\xff\xfe"):
        rewrite(saved, metadata=np.frombuffer(text, dtype=np.uint8))
        with pytest.raises(ModelError):
            load_model(saved)


def test_missing_and_misshapen_arrays_are_refused(saved):
    rewrite(saved, directions=np.zeros((4, 9)))
    with pytest.raises(ModelError, match=r"\(4, 9\)"):
        load_model(saved)
    rewrite(saved, directions=None)
    with pytest.raises(ModelError, match="directions"):
        load_model(saved)


@pytest.mark.parametrize("shape", [(7, 6), (7, 6, 3), (7, 6, 5, 2)])
def test_an_image_with_other_features_is_refused_with_its_shape(model, shape):
    with pytest.raises(ModelError, match=str(shape[-1])):
        model.label(np.zeros(shape))
