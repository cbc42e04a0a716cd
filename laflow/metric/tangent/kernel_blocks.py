"""Tangent kernels too large for memory: tiles in a folder, each written whole or not at all, so that a run can go on.

A folder holds `kernel.json` (what the kernel is of, and its tiles) and one `tile-III-JJJ.npy` for each tile Θ[I, J],
J ≤ I; the others are their transposes. Nothing is pickled.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from laflow.checkpoint import digest
from laflow.errors import FileError, ProblemSizeError, ShapeError, ValueRangeError
from laflow.memory import readable
from laflow.metric.tangent.kernel_memory import NUMBER, kernel_bytes, tile_bytes, tile_points
from laflow.metric.tangent.tangent_kernel import TangentRows
from laflow.storage import write_atomically

FloatArray = NDArray[np.float64]

FORMAT = "laflow kernel"
VERSION = 1
DESCRIPTION = "kernel.json"
MEMORY = 2**30


@dataclass(frozen=True)
class KernelBlocks:
    """A kernel Θ (count, count) in a folder, in tiles of `tile` rows."""

    folder: Path
    count: int
    tile: int

    @property
    def tiles(self) -> int:
        """Number of tiles along one side."""
        return -(-self.count // self.tile)

    def block(self, one: int, other: int) -> FloatArray:
        """Tile Θ[one, other]. Raises `FileError` where it is missing or damaged."""
        if one < other:
            return self.block(other, one).T
        path = _tile_path(self.folder, one, other)
        try:
            block: FloatArray = np.load(path, allow_pickle=False)
        except FileNotFoundError as error:
            raise FileError(f"{path} is missing: the kernel is unfinished; call write_kernel_blocks again") from error
        except (OSError, ValueError, EOFError) as error:
            raise FileError(f"cannot read {path} ({error}): remove it and call write_kernel_blocks again") from error
        shape = (self._span(one), self._span(other))
        if block.shape != shape or block.dtype != np.float64:
            raise FileError(f"{path} holds {block.dtype} {block.shape}, not float64 {shape}: remove it, write again")
        return block

    def apply(self, values: FloatArray) -> FloatArray:
        """Θ v (count,) for v (count,), with one tile in memory at a time."""
        vector = np.asarray(values, dtype=np.float64).reshape(-1)
        if vector.size != self.count:
            raise ShapeError(f"the vector has {vector.size} entries: give {self.count}")
        product = np.zeros(self.count)
        for one, other in _pairs(self.tiles):
            block, left, right = self.block(one, other), self._rows(one), self._rows(other)
            product[left] += block @ vector[right]
            if one != other:
                product[right] += block.T @ vector[left]
        return product

    def matrix(self) -> FloatArray:
        """The whole kernel, in memory."""
        kernel = np.empty((self.count, self.count))
        for one, other in _pairs(self.tiles):
            block = self.block(one, other)
            kernel[self._rows(one), self._rows(other)] = block
            kernel[self._rows(other), self._rows(one)] = block.T
        return kernel

    def leading_spectrum(self, count: int, *, seed: int = 0) -> FloatArray:
        """The `count` largest eigenvalues, from the largest, by Lanczos' method with tiles from disk."""
        if not 0 < count < self.count:
            raise ValueRangeError(f"{count} eigenvalues of {self.count} were asked for: give 1 to {self.count - 1}")
        operator = LinearOperator((self.count, self.count), matvec=self.apply, dtype=np.float64)
        start = np.random.default_rng(seed).standard_normal(self.count)
        return np.sort(eigsh(operator, k=count, which="LA", v0=start, return_eigenvectors=False))[::-1]

    def _rows(self, index: int) -> slice:
        return slice(index * self.tile, min((index + 1) * self.tile, self.count))

    def _span(self, index: int) -> int:
        rows = self._rows(index)
        return rows.stop - rows.start


def write_kernel_blocks(
    rows: TangentRows,
    folder: str | PathLike[str],
    *,
    memory: int = MEMORY,
    progress: Callable[[int, int], object] | None = None,
) -> KernelBlocks:
    """Write the kernel of `rows` into `folder`, tile by tile; go on where an earlier call for the same rows stopped.

    At most `memory` bytes are held beside a pass of the network (`tangent_kernel.TAPE_BYTES`): two Jacobians and one
    tile. `progress` is told tiles done and tiles in all. Raises `ProblemSizeError` where not one point a tile fits
    `memory`, or the kernel does not fit the disk, and `FileError` for a folder with another kernel.
    """
    path = Path(folder)
    # One functional at a time: those of the metric are views of a few numbers.
    functionals = (digest(np.ascontiguousarray(covector)) for covector in rows.covectors)
    identity = digest(rows.parameters, rows.jets, repr(rows.network), *functionals)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {path} ({error}): choose another place") from error
    if (path / DESCRIPTION).exists():
        found, kept = open_kernel_blocks(path), _description(path)["identity"]
        if kept != identity or found.count != rows.count:
            raise FileError(f"{path} holds the kernel of other rows: choose another folder, or remove it")
        points = found.tile // rows.functionals
    else:
        points = _points_of_a_tile(rows, memory)
        _require_disk(rows, path)
        found = KernelBlocks(path, rows.count, points * rows.functionals)
        description = {"format": FORMAT, "version": VERSION, "identity": identity}
        text = json.dumps(description | {"count": found.count, "tile": found.tile}, sort_keys=True).encode()
        write_atomically(path / DESCRIPTION, lambda stream: stream.write(text))
    _write_missing(rows, found, points, progress)
    return found


def open_kernel_blocks(folder: str | PathLike[str]) -> KernelBlocks:
    """The kernel in a folder, finished or not. Raises `FileError` for a folder without one."""
    path = Path(folder)
    found = _description(path)
    return KernelBlocks(path, found["count"], found["tile"])


def _write_missing(
    rows: TangentRows, blocks: KernelBlocks, points: int, progress: Callable[[int, int], object] | None
) -> None:
    done = 0
    for one in range(blocks.tiles):
        missing = [other for other in range(one + 1) if not _tile_path(blocks.folder, one, other).exists()]
        left = _jacobian(rows, one, points) if missing else None
        for other in range(one + 1):
            if left is not None and other in missing:
                # No name for the other Jacobian: it must be gone before the next one is made.
                block = left @ (left if one == other else _jacobian(rows, other, points)).T
                _write_tile(_tile_path(blocks.folder, one, other), block)
            done += 1
            if progress is not None:
                progress(done, blocks.tiles * (blocks.tiles + 1) // 2)
        del left


def _jacobian(rows: TangentRows, index: int, points: int) -> FloatArray:
    return rows.jacobian(index * points, min((index + 1) * points, rows.points))


def _write_tile(path: Path, block: FloatArray) -> None:
    def write(stream: BinaryIO) -> None:
        np.save(stream, block, allow_pickle=False)

    write_atomically(path, write)


def _points_of_a_tile(rows: TangentRows, memory: int) -> int:
    k, parameters = rows.functionals, rows.network.parameter_count
    points = tile_points(rows.points, k, parameters, memory)
    if points < 1:
        raise ProblemSizeError(
            f"a tile of one point takes {readable(tile_bytes(1, k, parameters))}, more than the {readable(memory)} "
            "allowed: raise `memory`"
        )
    return points


def _require_disk(rows: TangentRows, folder: Path) -> None:
    # Tiles at and below the diagonal: half of the kernel and half of the diagonal tiles, at most all of it.
    needed, free = kernel_bytes(rows.points, rows.functionals) // 2, _free(folder)
    if needed > free:
        largest = int((2 * free / NUMBER) ** 0.5) // rows.functionals
        raise ProblemSizeError(
            f"the kernel of {rows.points} points takes {readable(needed)} on disk, {readable(free)} are free in "
            f"{folder}: at most {largest} points fit; take fewer or choose another disk"
        )


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free


def _description(folder: Path) -> dict[str, Any]:
    path = folder / DESCRIPTION
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileError(f"{folder} holds no kernel: give a folder that write_kernel_blocks has filled") from error
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path} ({error}): remove the folder and write the kernel again") from error
    wanted = {"format": FORMAT, "version": VERSION}
    whole = isinstance(found, dict) and all(found.get(name) == value for name, value in wanted.items())
    sizes = whole and all(type(found.get(name)) is int and found[name] > 0 for name in ("count", "tile"))
    if not sizes or not isinstance(found.get("identity"), str):
        raise FileError(f"{path} is no description of a kernel: give a folder that write_kernel_blocks has filled")
    return dict(found)


def _pairs(tiles: int) -> Iterator[tuple[int, int]]:
    return ((one, other) for one in range(tiles) for other in range(one + 1))


def _tile_path(folder: Path, one: int, other: int) -> Path:
    return folder / f"tile-{one:04d}-{other:04d}.npy"
