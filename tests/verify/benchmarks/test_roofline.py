"""What the roofline counts is what the formulas move and compute, and every part of a gradient is counted."""

import numpy as np
import pytest

from verify.benchmarks import _counts, roofline
from verify.benchmarks._machine import Machine
from verify.benchmarks._parts import recorded
from verify.benchmarks.gradient import our_candidates
from verify.instances import colors_instance

NODES, LABELS, NEIGHBOURS, RANKS = 7, 3, 9, 2


def test_a_product_with_the_linear_map_is_counted_by_hand():
    weights, field = np.zeros((NEIGHBOURS, NODES)), np.zeros((LABELS, NODES))
    count = _counts.kernel_count("linear_map", NODES, (weights, field, field), (field.copy(),))
    assert count.bytes == 8 * NODES * (NEIGHBOURS + 3 * LABELS)
    average = sum(2 for _ in range(NODES) for _ in range(LABELS) for _ in range(NEIGHBOURS))
    replicate = sum(4 for _ in range(NODES) for _ in range(LABELS))
    assert count.flops == average + replicate


def test_the_assembly_is_counted_by_hand():
    weights, field = np.zeros((NEIGHBOURS, NODES)), np.zeros((LABELS, NODES))
    vectors = np.zeros((RANKS, LABELS, NODES))
    inputs = (weights, field, field, vectors, vectors, field)
    count = _counts.kernel_count("low_rank_gradient", NODES, inputs, (weights,))
    assert count.bytes == 8 * NODES * (2 * NEIGHBOURS + 3 * LABELS + 2 * RANKS * LABELS)
    flops = 0
    for _ in range(LABELS):
        for _ in range(RANKS):
            flops += 2 * NEIGHBOURS  # U
            flops += 2 + 2 + 2  # two means and R_S P
            flops += 5  # a summand of H
            flops += 2 * NEIGHBOURS  # with the neighbours of Q
        flops += 1 + 2 + 2  # Λ/J, the mean of H, R_S H
        flops += 2 * NEIGHBOURS  # with the neighbours of L
    assert count.flops == flops * NODES


def test_float32_halves_the_bytes_and_not_the_operations():
    inputs = [np.zeros((NEIGHBOURS, NODES)), np.zeros((LABELS, NODES)), np.zeros((LABELS, NODES))]
    double = _counts.kernel_count("linear_map", NODES, tuple(inputs), (inputs[1],))
    single = [array.astype(np.float32) for array in inputs]
    half = _counts.kernel_count("linear_map", NODES, tuple(single), (single[1],))
    assert (half.bytes, half.flops) == (double.bytes / 2, double.flops)


def test_only_new_pairs_of_a_gram_matrix_count():
    rows = np.zeros((4, 10))
    assert _counts.gram_count(rows, 0).flops == 2 * 10 * 10
    assert _counts.gram_count(rows, 3).flops == 2 * 10 * 4


def test_a_kernel_that_nobody_counted_is_refused():
    with pytest.raises(KeyError, match="the kernel new_kernel are not counted"):
        _counts.kernel_count("new_kernel", 1, (), ())


@pytest.fixture(scope="module")
def gradient():
    instance = colors_instance((12, 13), 3)
    (candidate,) = our_candidates(instance, choices=((3, 2),))
    candidate.compute()
    return candidate.compute


def test_every_part_of_a_gradient_is_counted_and_timed_and_nothing_else_changes(gradient):
    before = np.array(gradient())
    with recorded() as calls:
        during = np.array(gradient())
    assert np.array_equal(before, during)
    assert {"similarity", "linear_map", "linear_map_adjoint", "low_rank_gradient"} <= {call.part for call in calls}
    assert all(call.count.bytes > 0 and call.count.flops > 0 and call.seconds > 0 for call in calls)
    gradient()
    assert len([call for call in calls if call.part == "low_rank_gradient"]) == 1


def test_the_machine_is_measured_and_bandwidths_only_once():
    machine = Machine()
    assert machine.peak() > 1e8
    assert machine.bandwidth(100_000) is machine.bandwidth(110_000)
    assert machine.bandwidth(100_000) > 1e8


def test_the_whole_stands_below_its_parts(gradient):
    whole, parts = roofline._rows(gradient, "tiny", Machine(), 1e12, rounds=2)
    assert whole.config == "the whole"
    assert len(parts) >= 4
    assert all(row.times_floor > 0 for row in (*parts, whole))
