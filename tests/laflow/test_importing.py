"""The runtime stands alone, and starts quickly."""

import subprocess
import sys

import laflow


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_a_first_gradient_loads_neither_symbolic_nor_command_line_libraries():
    loaded = run(
        "import sys, laflow, numpy as np\n"
        "problem = laflow.LabelingProblem(np.eye(4).reshape(2, 2, 4))\n"
        "laflow.loss_gradient(problem, None, np.arange(4).reshape(2, 2)).gradient\n"
        "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    ).split()
    assert "numba" in loaded
    for name in ("sympy", "derivations", "verify", "typer", "matplotlib", "jax", "torch", "hypothesis"):
        assert name not in loaded


def test_every_public_name_exists_and_is_documented():
    assert sorted(laflow.__all__) == list(laflow.__all__)
    for name in laflow.__all__:
        assert getattr(laflow, name).__doc__.strip(), name
