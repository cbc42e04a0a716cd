"""The scaling benchmark measures the series that it names."""

import pytest

from verify.benchmarks import Options, scaling

OPTIONS = Options(threads=1)


def test_every_series_of_the_benchmark_has_its_range():
    by_series = {}
    for case in scaling.cases():
        by_series.setdefault(case.series, []).append(case)
    assert {case.shape[0] for case in by_series["pixels"]} >= {32, 128, 512, 2048}
    assert {case.labels for case in by_series["labels"]} >= {2, 64}
    assert {case.time for case in by_series["T"]} >= {1.0, 20.0}
    assert {case.radius for case in by_series["radius"]} == {1, 2, 3}
    assert len(by_series["volume"][0].shape) == 3
    assert by_series["graph"][0].sparse


@pytest.mark.parametrize(
    ("case", "neighbours"),
    [
        (scaling.Case("", "", (6, 7), labels=2, radius=2), 25),
        (scaling.Case("", "", (3, 4, 5), labels=2), 27),
        (scaling.Case("", "", (6, 7), labels=2, sparse=True), 9),
    ],
)
def test_a_case_is_the_problem_that_it_names(case, neighbours):
    compute, problem = scaling.computation(case, OPTIONS)
    assert problem.graph.nodes == case.nodes
    assert problem.graph.neighbours == neighbours
    assert compute().loss > 0.0


def test_the_bar_is_about_the_sizes_between_128_and_2048():
    chosen = scaling.cases()
    flat = [[1e-9 * case.nodes] for case in chosen]
    assert scaling.flatness(chosen, flat).value == pytest.approx(1.0)
    for place, case in enumerate(chosen):
        if case.config == "32²":
            flat[place][0] *= 10.0
    assert scaling.flatness(chosen, flat).met
    for place, case in enumerate(chosen):
        if case.config == "512²":
            flat[place][0] *= 1.6
    assert not scaling.flatness(chosen, flat).met
