"""The scenes have the properties that the experiments rely on."""

import numpy as np
import pytest
from scipy.ndimage import uniform_filter

from laflow.errors import ShapeError, ValueRangeError
from laflow.scenes import nuclei, voronoi_colors, voronoi_lines

SHAPE = (128, 128)
SEEDS = range(5)


def nearest_prototype(scene):
    return ((scene.image[..., None, :] - scene.prototypes) ** 2).sum(axis=-1).argmin(axis=-1)


@pytest.mark.parametrize("seed", SEEDS)
def test_averaging_wipes_out_most_of_the_lines(seed):
    scene = voronoi_lines(SHAPE, np.random.default_rng(seed), 0.0)
    lines = scene.truth == 0
    kept = lines & (uniform_filter(scene.clean[..., 0], 3) < 0.5)
    # 16 % on average; what is kept are junctions.
    assert kept.sum() < 0.25 * lines.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_are_thin_and_enclose_cells(seed):
    lines = voronoi_lines(SHAPE, np.random.default_rng(seed)).truth == 0
    assert 0.08 < lines.mean() < 0.25
    blocks = np.lib.stride_tricks.sliding_window_view(lines, (3, 3)).all(axis=(-1, -2))
    # Solid 3 × 3 blocks of line pixels are found at junctions of walls only.
    assert blocks.mean() < 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_rounding_to_the_nearest_color_errs_on_half_of_the_pixels(seed):
    scene = voronoi_colors(SHAPE, np.random.default_rng(seed))
    # Expected 1 - Φ(0.5 / 0.6)³ = 0.492; the standard deviation over 128² independent pixels is 0.004.
    assert abs((nearest_prototype(scene) != scene.truth).mean() - 0.492) < 0.016


@pytest.mark.parametrize("labels", [2, 3, 8, 10, 27, 30])
def test_colors_are_distinct_and_each_label_occurs(labels):
    scene = voronoi_colors((64, 64), np.random.default_rng(1), labels=labels, cells=90)
    assert len(np.unique(scene.prototypes, axis=0)) == labels
    np.testing.assert_array_equal(np.unique(scene.truth), np.arange(labels))


@pytest.mark.parametrize("make", [voronoi_lines, voronoi_colors])
def test_the_same_seed_makes_the_same_scene_and_another_seed_another(make):
    first, again, other = (make((32, 24), np.random.default_rng(seed)) for seed in (7, 7, 8))
    np.testing.assert_array_equal(first.image, again.image)
    assert not np.array_equal(first.truth, other.truth)


@pytest.mark.parametrize("make", [voronoi_lines, voronoi_colors])
@pytest.mark.parametrize("shape", [(40,), (9, 13), (5, 6, 7), (1, 1)])
def test_scenes_come_in_any_dimension(make, shape):
    scene = make(shape, np.random.default_rng(0))
    assert scene.truth.shape == shape
    assert scene.image.shape == scene.clean.shape == (*shape, scene.prototypes.shape[1])
    np.testing.assert_array_equal(scene.clean, scene.prototypes[scene.truth])


@pytest.mark.parametrize("make", [voronoi_lines, voronoi_colors])
def test_the_noise_is_gaussian_of_the_size_asked_for(make):
    scene = make(SHAPE, np.random.default_rng(3), 0.4)
    noise = (scene.image - scene.clean).ravel()
    assert abs(noise.std() - 0.4) < 5 * 0.4 / np.sqrt(2 * noise.size)
    assert abs(noise.mean()) < 5 * 0.4 / np.sqrt(noise.size)


@pytest.mark.parametrize(
    ("make", "shape", "options", "error", "found"),
    [
        (voronoi_lines, (), {}, ShapeError, r"\(\)"),
        (voronoi_lines, (0, 5), {}, ShapeError, r"\(0, 5\)"),
        (voronoi_lines, (8, 8), {"noise": -0.1}, ValueRangeError, "-0.1"),
        (voronoi_lines, (8, 8), {"noise": float("nan")}, ValueRangeError, "nan"),
        (voronoi_lines, (8, 8), {"width": 0.0}, ValueRangeError, "0.0"),
        (voronoi_colors, (8, 8), {"cells": 1}, ValueRangeError, "1"),
        (voronoi_colors, (8, 8), {"labels": 1}, ValueRangeError, "1"),
    ],
)
def test_impossible_scenes_are_refused_with_the_value_found(make, shape, options, error, found):
    with pytest.raises(error, match=found):
        make(shape, np.random.default_rng(0), **options)


def test_the_real_image_has_two_labels_and_parts_that_differ():
    train, unseen = nuclei("train"), nuclei("unseen")
    for scene in (train, unseen):
        assert scene.image.shape == (256, 256, 1)
        assert 0.0 <= scene.image.min() < scene.image.max() <= 1.0
        assert 0.15 < scene.truth.mean() < 0.3
        # Nuclei are bright: the data say something, and not everything.
        assert 0.02 < (nearest_prototype(scene) != scene.truth).mean() < 0.10
    assert not np.array_equal(train.image, unseen.image)
    np.testing.assert_array_equal(train.prototypes, unseen.prototypes)


def test_an_unknown_part_of_the_real_image_is_refused():
    with pytest.raises(ValueRangeError, match="'validation'"):
        nuclei("validation")
