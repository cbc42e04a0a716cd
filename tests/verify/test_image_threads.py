"""`python -m verify.image_threads` measures every way of working on images, and leaves the threads as they were."""

import numba

from laflow.parallel import _in_turn
from verify import image_threads


def test_it_measures_every_way_in_every_round(capsys, monkeypatch):
    seen = []

    def training_step(side, count):
        return lambda spread: lambda: seen.append((side, count, numba.get_num_threads(), spread is _in_turn))

    monkeypatch.setattr(image_threads, "training_step", training_step)
    threads = numba.get_num_threads()
    assert image_threads.main(["--sides", "8", "--images", "3", "--rounds", "2"]) == 0
    assert [entry[:3] for entry in seen] == [(8, 3, 1), (8, 3, threads), (8, 3, threads)] * 3
    assert [entry[3] for entry in seen[:2]] == [True, True]
    assert numba.get_num_threads() == threads
    assert "8²" in capsys.readouterr().out


def test_a_step_is_taken_over_every_image():
    spread_over = []
    image_threads.training_step(8, 2)(lambda work, items: spread_over.extend(items) or _in_turn(work, spread_over))()
    assert len(spread_over) == 2
