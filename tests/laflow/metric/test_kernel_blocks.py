"""Kernels on disk: the same numbers, within the stated memory, resumed after any interruption, refused when foreign."""

import json
import tracemalloc

import numpy as np
import pytest

from laflow.errors import FileError, ProblemSizeError, ShapeError, ValueRangeError
from laflow.metric.tangent import kernel_blocks, tangent_kernel
from laflow.metric.tangent.kernel_blocks import open_kernel_blocks, write_kernel_blocks
from laflow.metric.tangent.tangent_kernel import metric_rows, potential_rows, spectrum
from tests.laflow.metric.networks import random_jets, random_network

# Two or three points a tile of the rows below: seven points make tiles of unequal size.
SMALL = 8 * 1000


@pytest.fixture
def rows():
    return metric_rows(*random_network(2), random_jets(2, 7, 3))


def test_tiles_on_disk_are_the_kernel_in_memory(rows, tmp_path):
    told = []
    blocks = write_kernel_blocks(rows, tmp_path, memory=SMALL, progress=lambda done, tiles: told.append((done, tiles)))
    exact = tangent_kernel.tangent_kernel(rows)
    assert blocks.tiles > 2
    assert told[-1] == (len(told), len(told))
    np.testing.assert_allclose(blocks.matrix(), exact, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(blocks.block(0, 1), blocks.block(1, 0).T)
    vector = np.arange(rows.count) - 5.0
    np.testing.assert_allclose(open_kernel_blocks(tmp_path).apply(vector), exact @ vector, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(blocks.leading_spectrum(4), spectrum(exact)[:4], rtol=1e-9)
    assert not [path for path in tmp_path.iterdir() if path.suffix not in {".npy", ".json"}]


def test_an_interrupted_run_goes_on_where_it_stopped(rows, tmp_path, monkeypatch):
    def interrupt(done, _tiles):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_kernel_blocks(rows, tmp_path, memory=SMALL, progress=interrupt)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.glob("tile-*.npy")}
    assert len(stamps) == 3
    with pytest.raises(FileError, match="unfinished; call write_kernel_blocks again"):
        open_kernel_blocks(tmp_path).matrix()
    # The tiles keep their size, whatever memory is allowed now.
    blocks = write_kernel_blocks(rows, tmp_path, memory=100 * SMALL)
    assert {path: path.stat().st_mtime_ns for path in stamps} == stamps
    np.testing.assert_allclose(blocks.matrix(), tangent_kernel.tangent_kernel(rows), rtol=1e-12, atol=1e-12)
    monkeypatch.setattr(kernel_blocks, "_write_tile", None)
    write_kernel_blocks(rows, tmp_path)


def test_no_more_memory_is_taken_than_stated(tmp_path, monkeypatch):
    network, parameters = random_network(1, sizes=(3, 100, 30, 1))
    rows = potential_rows(network, parameters, random_jets(1, 600, 3))
    monkeypatch.setattr(tangent_kernel, "TAPE_BYTES", 2**20)
    memory = 10 * 2**20
    write_kernel_blocks(rows, tmp_path / "warm", memory=memory)
    tracemalloc.start()
    blocks = write_kernel_blocks(rows, tmp_path / "kernel", memory=memory)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert blocks.tiles > 3
    # One pass beside it: its tape, the row being copied, and a backward pass's arrays.
    assert peak < memory + 2 * 2**20


def test_what_is_damaged_foreign_or_too_large_is_refused(rows, tmp_path, monkeypatch):
    folder = tmp_path / "kernel"
    with pytest.raises(FileError, match="holds no kernel"):
        open_kernel_blocks(folder)
    blocks = write_kernel_blocks(rows, folder, memory=SMALL)
    other = metric_rows(rows.network, rows.parameters + 1.0, rows.jets)
    with pytest.raises(FileError, match="the kernel of other rows"):
        write_kernel_blocks(other, folder)
    tile = folder / "tile-0001-0000.npy"
    whole = tile.read_bytes()
    tile.write_bytes(whole[:-8])
    with pytest.raises(FileError, match=r"cannot read .*tile-0001-0000.npy"):
        blocks.matrix()
    np.save(tile, np.zeros((2, 2), dtype=np.float32))
    with pytest.raises(FileError, match="holds float32"):
        blocks.matrix()
    description = folder / "kernel.json"
    description.write_text(json.dumps(json.loads(description.read_text()) | {"version": 99}))
    with pytest.raises(FileError, match="no description of a kernel"):
        open_kernel_blocks(folder)
    description.write_text("{")
    with pytest.raises(FileError, match="cannot read"):
        open_kernel_blocks(folder)
    with pytest.raises(ProblemSizeError, match="a tile of one point takes"):
        write_kernel_blocks(rows, tmp_path / "small", memory=100)
    monkeypatch.setattr(kernel_blocks, "_free", lambda _folder: 1000)
    with pytest.raises(ProblemSizeError, match=r"on disk, 1000 bytes are free .*at most 3 points fit"):
        write_kernel_blocks(rows, tmp_path / "full")
    with pytest.raises(ShapeError, match="give 28"):
        blocks.apply(np.ones(3))
    with pytest.raises(ValueRangeError, match="give 1 to 27"):
        blocks.leading_spectrum(28)
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="choose another place"):
        write_kernel_blocks(rows, tmp_path / "file")
