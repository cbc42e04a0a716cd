"""Images with ground truth: random Voronoi scenes (Section 4 of the paper, Fig. 1) and a real image."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np
from scipy.spatial import cKDTree

from laflow.errors import ShapeError, ValueRangeError


@dataclass(frozen=True)
class Scene:
    """An image with its truth.

    Attributes:
        image: observed values, float64, `(*shape, C)`.
        truth: label of each pixel, int64, `(*shape)`, values 0..J-1.
        prototypes: value of each label, float64, `(J, C)`.
        clean: the image without noise, float64, `(*shape, C)`; of a real image, the true prototypes.
    """

    image: np.ndarray
    truth: np.ndarray
    prototypes: np.ndarray
    clean: np.ndarray


def voronoi_lines(
    shape: Sequence[int],
    rng: np.random.Generator,
    noise: float = 0.3,
    *,
    cells: int | None = None,
    width: float = 1.0,
) -> Scene:
    """Scenario (a), Fig. 1a: the thin black walls (label 0) of white Voronoi cells (label 1), one channel.

    A pixel is black when its centre lies within `width / 2` of the wall between two cells. The walls are one
    or two pixels wide, so that averaging over 3×3 patches wipes most of them out.

    Args:
        shape: side lengths of the image in pixels, any dimension.
        rng: the source of all randomness.
        noise: standard deviation of the Gaussian noise; black is 0, white is 1.
        cells: number of cells; by default one for every 150 pixels, at least 2.
        width: width of the walls in pixels.

    Raises:
        ShapeError: `shape` is empty or has a side below 1.
        ValueRangeError: negative or non-finite noise, fewer than two cells, or a width of 0 or less.
    """
    size = _checked_size(shape, noise)
    cells = _checked_cells(cells, size)
    if not width > 0:
        raise ValueRangeError(f"wall width is {width}; give a width above 0 pixels (1 to 2 for thin lines)")
    pixels, seeds = _pixels(shape), _seeds(shape, cells, rng)
    # Three seeds suffice: no wall that is further than the third nearest can come within a pixel or two.
    distance, nearest = cKDTree(seeds).query(pixels, k=min(3, cells))
    apart = np.linalg.norm(seeds[nearest[:, 1:]] - seeds[nearest[:, :1]], axis=-1)
    to_wall = (distance[:, 1:] ** 2 - distance[:, :1] ** 2) / (2 * apart)
    truth = (to_wall.min(axis=1) > width / 2).astype(np.int64).reshape(shape)
    return _observed(truth, np.array([[0.0], [1.0]]), noise, rng)


def voronoi_colors(
    shape: Sequence[int],
    rng: np.random.Generator,
    noise: float = 0.6,
    labels: int = 8,
    *,
    cells: int | None = None,
) -> Scene:
    """Scenario (b), Fig. 1b: Voronoi cells in `labels` colours, three channels.

    The colours are points of the coarsest cubic grid in [0, 1]³ that has enough of them; 8 labels are the
    corners of the colour cube. There noise of 0.6 makes the nearest colour wrong in 1 - Φ(0.5 / 0.6)³ = 49%
    of the pixels.

    Args:
        shape: side lengths of the image in pixels, any dimension.
        rng: the source of all randomness.
        noise: standard deviation of the Gaussian noise in each channel.
        labels: number of colours J, at least 2.
        cells: number of cells; by default one for every 150 pixels.

    Raises:
        ShapeError: `shape` is empty or has a side below 1.
        ValueRangeError: negative or non-finite noise, fewer than two cells, or fewer than two labels.
    """
    size = _checked_size(shape, noise)
    cells = _checked_cells(cells, size)
    if labels < 2:
        raise ValueRangeError(f"number of labels is {labels}; there have to be at least 2")
    levels = int(np.ceil(labels ** (1 / 3) - 1e-9))
    grid = np.stack(np.meshgrid(*[np.linspace(0.0, 1.0, levels)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    prototypes = grid if len(grid) == labels else grid[np.sort(rng.permutation(len(grid))[:labels])]
    _, cell = cKDTree(_seeds(shape, cells, rng)).query(_pixels(shape))
    label_of_cell = rng.permutation(np.arange(cells) % labels)
    return _observed(label_of_cell[cell].reshape(shape), prototypes, noise, rng)


def nuclei(part: Literal["train", "unseen"] = "train") -> Scene:
    """The bundled real image: fluorescent cell nuclei (label 1) on background (label 0), 256 × 256.

    Values, one channel, are square roots of the recorded intensity, scaled to [0, 1]: counting noise then has
    about the same size everywhere. Both parts carry the prototypes of the training part (its class means), so
    that the unseen part's truth enters nowhere. Origin and licences: `laflow/data/ORIGIN.md`.

    Raises:
        ValueRangeError: `part` is neither "train" nor "unseen".
    """
    if part not in ("train", "unseen"):
        raise ValueRangeError(f"part is {part!r}; it has to be 'train' or 'unseen'")
    image, truth = _nuclei_part(part)
    train_image, train_truth = (image, truth) if part == "train" else _nuclei_part("train")
    prototypes = np.stack([train_image[train_truth == label].mean(axis=0) for label in (0, 1)])
    return Scene(image=image, truth=truth, prototypes=prototypes, clean=prototypes[truth])


def _nuclei_part(part: str) -> tuple[np.ndarray, np.ndarray]:
    import imageio.v3 as iio  # here, because importing laflow has to be quick

    data = files("laflow") / "data"
    recorded = iio.imread((data / f"nuclei_{part}.png").read_bytes(), extension=".png")
    truth = iio.imread((data / f"nuclei_{part}_truth.png").read_bytes(), extension=".png")
    return np.sqrt(recorded / 255.0)[..., None], truth.astype(np.int64)


def _checked_size(shape: Sequence[int], noise: float) -> int:
    if len(shape) == 0 or min(shape) < 1:
        raise ShapeError(f"shape of the scene is {tuple(shape)}; every side has to be at least 1 pixel")
    if not (np.isfinite(noise) and noise >= 0):
        raise ValueRangeError(f"noise is {noise}; give a finite standard deviation of 0 or more")
    return int(np.prod(shape))


def _checked_cells(cells: int | None, size: int) -> int:
    chosen = max(2, size // 150) if cells is None else cells
    if chosen < 2:
        raise ValueRangeError(f"number of cells is {chosen}; there have to be at least 2")
    return chosen


def _pixels(shape: Sequence[int]) -> np.ndarray:
    """Centres of all pixels, `(I, d)`, in C order."""
    return np.indices(tuple(shape)).reshape(len(shape), -1).T.astype(np.float64)


def _seeds(shape: Sequence[int], cells: int, rng: np.random.Generator) -> np.ndarray:
    """Uniformly random points, one a cell, `(cells, d)`."""
    return rng.uniform(-0.5, np.asarray(shape) - 0.5, size=(cells, len(shape)))


def _observed(truth: np.ndarray, prototypes: np.ndarray, noise: float, rng: np.random.Generator) -> Scene:
    clean = prototypes[truth]
    return Scene(
        image=clean + noise * rng.standard_normal(clean.shape),
        truth=truth,
        prototypes=prototypes,
        clean=clean,
    )
