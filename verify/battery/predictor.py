"""Distances, features and the weight predictor, against loops over pixels."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from verify.battery.problems import close, same
from verify.oracles.neighbourhoods import grid_neighbours

CASES = (((3, 4), 1, 1, 2), ((5,), 2, 1, 1), ((3, 2), 0, 2, 3), ((2, 2, 3), 1, 1, 1), ((3, 2), 1, 0, 1))


def patches(image: np.ndarray, radius: int) -> np.ndarray:
    """The patch around every pixel, beyond the border the nearest pixel, by loops: (*shape, F)."""
    shape = image.shape[:-1]
    found = np.zeros((*shape, (2 * radius + 1) ** len(shape) * image.shape[-1]))
    for place in np.ndindex(*shape):
        values: list[float] = []
        for move in product(range(-radius, radius + 1), repeat=len(shape)):
            at = tuple(min(max(a + b, 0), side - 1) for a, b, side in zip(place, move, shape, strict=True))
            values.extend(image[at])
        found[place] = values
    return found


def predictor_of(package: Any, shape: tuple[int, ...], feature_radius: int, radius: int, channels: int) -> Any:
    rng = np.random.default_rng(5)
    features, neighbours = channels * (2 * feature_radius + 1) ** len(shape), (2 * radius + 1) ** len(shape)
    return package.predictor.WeightPredictor(
        rng.random((4, features)), rng.standard_normal((4, neighbours)), 1.3, feature_radius, radius, len(shape)
    )


def prediction(parameters: Any, features: Any, neighbours: np.ndarray) -> tuple[Any, Any]:
    """Eqs. (4.3)-(4.4), analytic in the parameters: memberships (I, K) and weights (I, |N|)."""
    prototypes, directions, scale = parameters
    distance = np.sqrt(np.sum((features[:, None] - prototypes) ** 2, axis=-1))
    similar = np.exp(-scale * distance)
    membership = similar / similar.sum(axis=1, keepdims=True)
    grown = np.exp(membership @ directions) * (neighbours >= 0)
    return membership, grown / grown.sum(axis=1, keepdims=True)


def check_patch_features(package: Any) -> None:
    for shape, radius, _, channels in CASES:
        image = np.random.default_rng(0).random((*shape, channels))
        before = image.copy()
        same(package.distances.patch_features(image, radius), patches(image, radius))
        same(image, before)


def check_color_distances(package: Any) -> None:
    rng = np.random.default_rng(1)
    image, colors = rng.random((3, 4, 3)), rng.random((2, 3))
    wanted = np.array([[[np.linalg.norm(pixel - color) for color in colors] for pixel in row] for row in image])
    close(package.distances.distances_to_colors(image, colors), wanted, 1e-15)
    close(package.distances.distances_to_colors(image[0], colors), wanted[0], 1e-15)
    grey, values = rng.random((3, 4)), rng.random(5)
    close(package.distances.distances_to_colors(grey, values), np.abs(grey[..., None] - values), 1e-15)
    close(package.distances.distances_to_colors(grey[0], values), np.abs(grey[0][:, None] - values), 1e-15)


def check_patch_distances(package: Any) -> None:
    rng = np.random.default_rng(2)
    for shape, radius, channels in (((3, 4), 1, 2), ((5,), 1, 1), ((2, 3), 0, 3)):
        image = rng.random((*shape, channels))
        around = patches(image, radius)
        several = rng.random((3, 4, around.shape[-1]))
        count = np.sqrt((2 * radius + 1) ** len(shape))
        wanted = np.linalg.norm(around[..., None, None, :] - several, axis=-1).min(axis=-1) / count
        close(package.distances.distances_to_patches(image, several, radius), wanted, 1e-14)
        single = np.linalg.norm(around[..., None, :] - several[:, 0], axis=-1) / count
        close(package.distances.distances_to_patches(image, several[:, 0], radius), single, 1e-14)


def check_mean_colors(package: Any) -> None:
    rng = np.random.default_rng(3)
    images = [rng.random((3, 4, 2)), rng.random((2, 5, 2))]
    truths = [rng.integers(0, 3, (3, 4)), rng.integers(0, 3, (2, 5))]
    pixels, labels = np.concatenate([i.reshape(-1, 2) for i in images]), np.concatenate([t.ravel() for t in truths])
    wanted = np.array([pixels[labels == label].mean(axis=0) for label in range(3)])
    close(package.distances.mean_colors(images, truths, 3), wanted, 1e-14)
    truths[0][...] = 1 - np.minimum(truths[0], 1)  # a label that only one image shows
    labels = np.concatenate([t.ravel() for t in truths])
    wanted = np.array([pixels[labels == label].mean(axis=0) for label in range(3)])
    close(package.distances.mean_colors(images, truths, 3), wanted, 1e-14)
    same(package.distances.finite_array([1, 2], "x"), np.array([1.0, 2.0]))


def check_prediction(package: Any) -> None:
    for shape, feature_radius, radius, channels in CASES:
        predictor = predictor_of(package, shape, feature_radius, radius, channels)
        assert predictor.channels == channels
        assert type(predictor.channels) is int
        image = np.random.default_rng(6).random((*shape, channels))
        neighbours = grid_neighbours(shape, radius)
        around = patches(image, feature_radius).reshape(len(neighbours), -1)
        membership, weights = prediction(
            (predictor.prototypes, predictor.directions, predictor.scale), around, neighbours
        )
        close(package.predictor.predict_weights(predictor, image).reshape(weights.shape), weights, 1e-13)
        graph, features = predictor.features(image)
        assert graph == package.graph.GridGraph(shape, radius)
        same(graph.unpack_nodes(features).reshape(around.shape), around)
        packed = package.predictor.packed_prediction(predictor, graph, features)
        close(graph.unpack_nodes(packed[0]).reshape(membership.shape), membership, 1e-13)
        predictor.require_image(image.shape)


def check_predictor_fields(package: Any) -> None:
    predictor = package.predictor.WeightPredictor(np.ones((2, 9)), np.ones((2, 9)), 1)
    assert (predictor.feature_radius, predictor.radius, predictor.dimensions, predictor.channels) == (1, 1, 2, 1)
    assert type(predictor.scale) is float
    given = np.asfortranarray(np.random.default_rng(0).random((2, 9)))
    predictor = package.predictor.WeightPredictor(given, given, 1.0)
    for array in (predictor.prototypes, predictor.directions):
        same(array, given)
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert not np.shares_memory(array, given)
    uniform = predictor_of(package, (3, 4), 2, 0, 2).with_uniform_weights()
    wanted = predictor_of(package, (3, 4), 2, 0, 2)
    same(uniform.prototypes, wanted.prototypes)
    assert not uniform.directions.any()
    assert uniform.directions.shape == wanted.directions.shape
    assert (uniform.scale, uniform.feature_radius, uniform.radius, uniform.dimensions) == (1.3, 2, 0, 2)


def check_pull_back(package: Any) -> None:
    """The adjoint of the prediction, by complex steps of the formula in every parameter."""
    for shape, feature_radius, radius, channels in CASES[:3]:
        predictor = predictor_of(package, shape, feature_radius, radius, channels)
        image = np.random.default_rng(7).random((*shape, channels))
        neighbours = grid_neighbours(shape, radius)
        around = patches(image, feature_radius).reshape(len(neighbours), -1)
        graph, features = predictor.features(image)
        covector = np.random.default_rng(8).standard_normal(neighbours.shape) * (neighbours >= 0)
        packed = graph.pack_weights(covector.reshape(graph.weights_shape))
        given = package.predictor.packed_prediction(predictor, graph, features)
        found = package.predictor.pull_back(predictor, graph, features, *given, packed)
        parameters = [predictor.prototypes, predictor.directions, np.array(predictor.scale)]
        for number, part in enumerate((found.prototypes, found.directions, found.scale)):
            wanted = np.zeros(parameters[number].shape)
            for at in np.ndindex(*wanted.shape):
                moved = [value.astype(complex) for value in parameters]
                moved[number][at] += 1e-50j
                wanted[at] = np.sum(covector * prediction(moved, around, neighbours)[1]).imag / 1e-50
            close(part, wanted, 1e-11)
        assert type(found.scale) is float


def check_pull_back_over_blocks(package: Any) -> None:
    """An image of several blocks, along one direction in all parameters."""
    predictor = predictor_of(package, (20, 20), 0, 1, 1)
    rng = np.random.default_rng(10)
    graph, features = predictor.features(rng.random((20, 20, 1)))
    assert graph.blocks(package.predictor.predictor_adjoint_kernel) > 1
    neighbours = grid_neighbours((20, 20), 1)
    covector = rng.standard_normal(neighbours.shape) * (neighbours >= 0)
    given = package.predictor.packed_prediction(predictor, graph, features)
    packed = graph.pack_weights(covector.reshape(graph.weights_shape))
    found = package.predictor.pull_back(predictor, graph, features, *given, packed)
    around = graph.unpack_nodes(features).reshape(400, -1)
    parameters = (predictor.prototypes, predictor.directions, np.array(predictor.scale))
    for number, part in enumerate((found.prototypes, found.directions, np.array(found.scale))):
        direction = rng.standard_normal(parameters[number].shape)
        moved: list[Any] = [value + 0j for value in parameters]
        moved[number] = moved[number] + 1e-50j * direction
        wanted = np.sum(covector * prediction(moved, around, neighbours)[1]).imag / 1e-50
        close(np.sum(part * direction), wanted, 1e-10)


def check_first_predictor(package: Any) -> None:
    """With as many prototypes as distinct patches, each is a patch, directed to the label of its centre."""
    truths = [np.array([[0, 0, 1, 1]] * 3), np.array([[0, 1], [0, 1]])]
    images = [truth[..., None].astype(float) for truth in truths]
    around = np.concatenate([patches(image, 1).reshape(-1, 9) for image in images])
    agreement = np.concatenate([(patches(i, 1) == i).reshape(-1, 9).astype(float) for i in images])
    distinct, owner = np.unique(around, axis=0, return_inverse=True)
    means = np.array([agreement[owner.ravel() == n].mean(axis=0) for n in range(len(distinct))])
    for prototypes in (len(distinct), 50):
        found = package.predictor.initial_predictor(
            images, truths, prototypes=prototypes, strength=3.0, rng=np.random.default_rng(0)
        )
        same(found.prototypes, distinct)
        close(found.directions, 3.0 * (means - means.mean(axis=1, keepdims=True)), 1e-14)
        assert (found.scale, found.feature_radius, found.radius, found.dimensions) == (1.0, 1, 1, 2)
    default = package.predictor.initial_predictor(images, truths, rng=np.random.default_rng(0))
    close(default.directions, 2.0 / 3.0 * found.directions, 1e-14)
    other = package.predictor.initial_predictor(
        [images[0][0]], [truths[0][0]], feature_radius=0, radius=2, rng=np.random.default_rng(0)
    )
    assert other.prototypes.shape == (2, 1)
    assert other.directions.shape == (2, 5)
    assert (other.feature_radius, other.radius, other.dimensions) == (0, 2, 1)


def check_clusters(package: Any) -> None:
    """Fewer prototypes than patches: each is the mean of the patches nearest to it."""
    rng = np.random.default_rng(9)
    truth = rng.integers(0, 2, (6, 7))
    image = truth[..., None] + 0.1 * rng.random((6, 7, 1))
    around, agreement = patches(image, 1).reshape(-1, 9), patches(truth[..., None], 1).reshape(-1, 9)
    agreement = (agreement == truth.reshape(-1, 1)).astype(float)
    for prototypes in (1, 3, 5):
        found = package.predictor.initial_predictor(
            [image], [truth], prototypes=prototypes, rng=np.random.default_rng(0)
        )
        count = found.prototypes.shape[0]
        assert count <= prototypes
        owner = np.linalg.norm(around[:, None] - found.prototypes, axis=-1).argmin(axis=1)
        assert set(owner) == set(range(count))
        means = np.array([around[owner == n].mean(axis=0) for n in range(count)])
        close(found.prototypes, means, 1e-6)
        shares = np.array([agreement[owner == n].mean(axis=0) for n in range(count)])
        close(found.directions, 2.0 * (shares - shares.mean(axis=1, keepdims=True)), 1e-12)


def check_empty_clusters_are_dropped(package: Any) -> None:
    module = package.predictor
    true = module._cluster
    centres = np.array([[0.0], [9.0], [1.0]])

    def cluster(patches_: np.ndarray, count: int, _rng: Any) -> tuple[np.ndarray, np.ndarray]:
        assert count == 3
        return centres, np.where(patches_[:, 0] > 0.5, 2, 0)

    def last_empty(patches_: np.ndarray, count: int, rng: Any) -> tuple[np.ndarray, np.ndarray]:
        found, owner = cluster(patches_, count, rng)
        return found, owner // 2

    image = np.linspace(0.0, 1.0, 12).reshape(3, 4, 1)
    try:
        for replaced, kept in ((cluster, [0, 2]), (last_empty, [0, 1])):
            module._cluster = replaced
            found = module.initial_predictor(
                [image], [np.zeros((3, 4), int)], prototypes=3, feature_radius=0, rng=np.random.default_rng(0)
            )
            same(found.prototypes, centres[kept])
    finally:
        module._cluster = true


def check_sampled_patches(package: Any) -> None:
    """Of very many patches a sample is clustered, drawn without repetition."""
    module, true = package.predictor, package.predictor.CLUSTERED_PATCHES
    assert true == 20_000
    image = np.arange(12.0).reshape(3, 4, 1)
    try:
        for limit, count in ((5, 5), (11, 11), (12, 12), (13, 12)):
            module.CLUSTERED_PATCHES = limit
            found = module.initial_predictor(
                [image], [np.zeros((3, 4), int)], feature_radius=0, rng=np.random.default_rng(0)
            )
            assert found.prototypes.shape == (count, 1)
    finally:
        module.CLUSTERED_PATCHES = true


def check_empty_clusters_cause_no_warning(package: Any) -> None:
    import warnings

    module = package.predictor
    true = module.kmeans2

    def kmeans(patches_: np.ndarray, count: int, **options: Any) -> Any:
        warnings.warn("One of the clusters is empty. Re-run kmeans", stacklevel=1)
        assert options["minit"] == "++"
        assert options["iter"] == 20
        assert options["rng"] is rng
        return true(patches_, count, **options)

    rng = np.random.default_rng(0)
    module.kmeans2 = kmeans
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            module._cluster(np.random.default_rng(1).random((9, 2)), 2, rng)
            module.kmeans2 = lambda *_patches, **_options: warnings.warn("something else", stacklevel=1)
            try:
                module._cluster(np.zeros((2, 1)), 1, rng)
            except UserWarning:
                return
            raise AssertionError("another warning was swallowed")
    finally:
        module.kmeans2 = true
