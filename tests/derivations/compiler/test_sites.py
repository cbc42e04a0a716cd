"""A program over sites becomes one function without structure, and single precision stays single and vectorised."""

import importlib
import inspect
import re

import numba
import numpy as np
import pytest

from derivations.algebra import Array, Program, bound, step, tensor
from derivations.algebra.lemma import Lemma
from derivations.assignment.notation import i, nodes
from derivations.compiler.lowering import NotCompilable, lower
from derivations.compiler.module_text import module_text
from derivations.metric.notation import a, directions, s, sites, value
from verify.kernel_instances import interpreted

half = Array("half", sites)
KERNELS = ["jet_activation", "jet_activation_adjoint", "monge_ampere_2"]


def program(*steps: object, inputs: tuple[Array, ...] = (value,), outputs: tuple[Array, ...] = (half,)) -> Program:
    none = bound(*((array[s], 0) for array in outputs))
    means = {array: tensor(s, 0) for array in outputs}
    return Program("sample", "a sample", inputs, steps, outputs, means, (), (), none)  # type: ignore[arg-type]


def text(sample: Program) -> str:
    return module_text(Lemma("sample", "sample", "none", "", (), (), (sample,)), lower(sample))


def test_there_is_one_entry_and_it_takes_no_structure():
    written = text(program(step(half[s], value[s] / 2)))
    assert re.findall(r"^def (\w+)", written, re.MULTILINE) == ["work_rows", "_sites_block", "sites"]
    assert "def sites(value, half, work):" in written
    assert "structure" not in written
    assert "offsets" not in written


def test_numbers_have_the_type_of_the_arrays():
    written = text(program(step(half[s], value[s] / 2)))
    assert "number_2 = value.dtype.type(2.0)" in written
    assert "out_p[p] = value_p[p] / number_2" in written


def test_a_row_that_no_loop_moves_is_named_once():
    slopes, scaled = Array("slopes", directions, sites), Array("scaled", directions, sites)
    none = bound((scaled[a, s], 0))
    steps = (step(scaled[a, s], slopes[a, s] * value[s]),)
    means = {scaled: tensor((a, s), 0)}
    sample = Program("sample", "a sample", (slopes, value), steps, (scaled,), means, (), (), none)
    before, _, inside = text(sample).partition("for direction in range(directions):")
    assert "value_p = value[start:stop]" in before
    assert "slopes_p = slopes[direction, start:stop]" in inside


def test_nodes_and_sites_in_one_program_are_refused():
    image = Array("image", nodes)
    with pytest.raises(NotCompilable, match="visits nodes or sites, not both"):
        lower(program(step(image[i], 2), step(half[s], value[s]), inputs=(value,)))


def test_a_mask_over_sites_is_refused():
    inside = Array("inside", sites, mask=True)
    with pytest.raises(NotCompilable, match="step half has a mask"):
        text(program(step(half[s], inside[s] * value[s]), inputs=(value, inside)))


def arguments(name: str, count: int, kind: type) -> list[np.ndarray]:
    """One-dimensional arrays, or stacks of them for two directions, by the shapes in the kernel's docstring."""
    described = importlib.import_module(f"laflow.kernels.{name}").sites.py_func.__doc__
    rng = np.random.default_rng(5)
    shapes = re.findall(r"^ +\w+ : \((.*?),?\)$", described, re.MULTILINE)[:-1]
    return [rng.normal(size=(*[2] * (shape.count(",")), count)).astype(kind) for shape in shapes]


@pytest.mark.parametrize("name", KERNELS)
def test_single_precision_is_never_widened_and_runs_in_vectors(name):
    block = importlib.import_module(f"laflow.kernels.{name}")._sites_block.py_func
    compiled = numba.njit(error_model="numpy")(block)
    given = [*arguments(name, 64, np.float32), np.zeros((12, 64), np.float32)]
    wanted = inspect.signature(block).parameters
    given = given if "work" in wanted else given[:-1]
    compiled(*given, 0, 64)
    (code,) = compiled.inspect_llvm().values()
    assert not re.search(r"\bfpext\b|\bfptrunc\b|x double>", code)
    assert re.search(r"fmul <\d+ x float>", code)


@pytest.mark.parametrize("name", KERNELS)
def test_single_precision_results_are_those_of_double_precision_to_its_rounding(name):
    kernel = interpreted(name)
    single = arguments(name, 40, np.float32)
    double = [array.astype(np.float64) for array in single]
    for given in (single, double):
        kernel["sites"](*given, np.zeros((2, 16, kernel["BLOCK"]), given[0].dtype))
    for seen, exact in zip(single, double, strict=True):
        assert seen.dtype == np.float32
        # some twenty operations on numbers of order one, among which terms cancel
        np.testing.assert_allclose(seen, exact, atol=60 * np.finfo(np.float32).eps * np.abs(exact).max())
