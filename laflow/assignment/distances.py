"""Distances between what an image shows and what the labels look like: D_ij = d(f_i, l_j), Sect. 2.2.

Any non-negative array ``(*shape, J)`` can serve as distances; these functions make the usual ones. All
distances are Euclidean and in the units of the image.
"""

from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from laflow.errors import ShapeError, ValueRangeError

FloatArray = NDArray[np.float64]


def distances_to_colors(image: ArrayLike, prototypes: ArrayLike) -> FloatArray:
    """Distance of every pixel to the colour of every label.

    `image` is ``(*shape, C)`` with `prototypes` ``(J, C)``; or a grey image ``(*shape,)`` with grey values
    ``(J,)``. Returns ``(*shape, J)``. Raises `ShapeError` or `ValueRangeError`.
    """
    colors = finite_array(prototypes, "the prototypes")
    pixels = finite_array(image, "the image")
    if colors.ndim == 1:
        colors, pixels = colors[:, None], pixels[..., None]
    if colors.ndim != 2 or pixels.ndim < 2 or pixels.shape[-1] != colors.shape[1]:
        raise ShapeError(
            f"an image of shape {np.shape(image)} does not go with prototypes of shape "
            f"{np.shape(prototypes)}: "
            "give (*shape, channels) with (labels, channels), or a grey image with (labels,)"
        )
    _check_prototypes(colors, pixels)
    distances = np.empty((*pixels.shape[:-1], colors.shape[0]))
    for label, color in enumerate(colors):
        distances[..., label] = np.sqrt(np.square(pixels - color).sum(axis=-1))
    return distances


def patch_features(image: ArrayLike, radius: int) -> FloatArray:
    """The raw patch around every pixel, ``(*shape, (2 radius + 1)^d C)``, from an image ``(*shape, C)``.

    Pixels are in the order of the neighbours of `GridGraph`, each with its channels; beyond the border the
    nearest pixel repeats.
    """
    pixels = finite_array(image, "the image")
    if pixels.ndim < 2 or pixels.size == 0:
        raise ShapeError(f"the image has shape {pixels.shape}: give a non-empty (*shape, channels)")
    if radius != int(radius) or radius < 0:
        raise ValueRangeError(f"the patch radius is {radius!r}: give a whole number, 0 or larger")
    *shape, channels = pixels.shape
    padded = np.pad(pixels, [(radius, radius)] * len(shape) + [(0, 0)], mode="edge")
    steps = list(product(range(2 * radius + 1), repeat=len(shape)))
    features = np.empty((*shape, len(steps), channels))
    for position, step in enumerate(steps):
        window = tuple(slice(begin, begin + side) for begin, side in zip(step, shape, strict=True))
        features[..., position, :] = padded[window]
    return features.reshape(*shape, len(steps) * channels)


def distances_to_patches(image: ArrayLike, prototypes: ArrayLike, radius: int) -> FloatArray:
    """Distance of the patch around every pixel to the patches of every label.

    `image` is ``(*shape, C)``; `prototypes` are ``(J, F)``, or ``(J, K, F)`` where the nearest of the K
    patches of a label counts, with ``F = (2 radius + 1)^d C``. Distances are divided by the square root of
    the number of patch pixels, so that they compare with those of colours. Returns ``(*shape, J)``.
    """
    features = patch_features(image, radius)
    patches = finite_array(prototypes, "the prototypes")
    if patches.ndim == 2:
        patches = patches[:, None, :]
    if patches.ndim != 3 or patches.shape[-1] != features.shape[-1]:
        raise ShapeError(
            f"the prototypes have shape {np.shape(prototypes)}: patches of radius {radius} of this image "
            "have "
            f"{features.shape[-1]} values; give (labels, {features.shape[-1]}) or (labels, patches, "
            f"{features.shape[-1]})"
        )
    _check_prototypes(patches, features)
    pixels = features.shape[-1] / np.shape(image)[-1]
    distances = np.empty((*features.shape[:-1], patches.shape[0]))
    for label, own in enumerate(patches):
        squares = [np.square(features - patch).sum(axis=-1) for patch in own]
        distances[..., label] = np.sqrt(np.min(squares, axis=0) / pixels)
    return distances


def mean_colors(images: list[FloatArray], truths: list[NDArray[np.integer]], labels: int) -> FloatArray:
    """The mean colour of each label over labelled images ``(*shape, C)``: prototypes ``(J, C)``.

    Raises `ValueRangeError` if a label occurs nowhere.
    """
    channels = images[0].shape[-1]
    sums, counts = np.zeros((labels, channels)), np.zeros(labels)
    for image, truth in zip(images, truths, strict=True):
        flat = truth.ravel()
        counts += np.bincount(flat, minlength=labels)
        for channel in range(channels):
            sums[:, channel] += np.bincount(flat, weights=image[..., channel].ravel(), minlength=labels)
    if np.any(counts == 0):
        raise ValueRangeError(
            f"label {int(np.argmin(counts))} occurs in no truth image: its prototype cannot be estimated; "
            "give the prototypes, or number the labels without gaps"
        )
    return sums / counts[:, None]


def finite_array(values: ArrayLike, name: str) -> FloatArray:
    """`values` as float64, refusing what is no number."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"{name} cannot be read as an array of numbers: {error}") from error
    if not np.all(np.isfinite(array)):
        position = tuple(np.argwhere(~np.isfinite(array))[0].tolist())
        raise ValueRangeError(f"{name} holds {array[position]} at {position}: replace what is not finite")
    return array


def _check_prototypes(prototypes: FloatArray, features: FloatArray) -> None:
    if features.size == 0:
        raise ShapeError(f"the image is empty, of shape {features.shape}: give at least one pixel")
    if prototypes.shape[0] < 2:
        raise ValueRangeError(f"there are {prototypes.shape[0]} labels: labeling needs at least 2")
    if prototypes.size == 0:
        raise ShapeError(f"the prototypes are empty, of shape {prototypes.shape}: give at least one for each label")
