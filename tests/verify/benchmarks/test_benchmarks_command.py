"""`python -m verify.benchmarks` finds its benchmarks, tells a missed bar by its exit code, and writes whole files."""

import json
import subprocess
import sys

import pytest

from verify import benchmarks, registry, reporting
from verify.benchmarks import _process
from verify.benchmarks.__main__ import main


def test_every_module_of_the_folder_is_a_benchmark_with_a_summary():
    assert registry.names(benchmarks) == ["calabi-yau", "gradient", "memory", "roofline", "scaling", "startup"]
    for name in registry.names(benchmarks):
        module = registry.load(benchmarks, name)
        assert callable(module.run)
        assert module.__doc__


def fake_run(met):
    bar = reporting.Bar("a claim", 1.0, met)
    return lambda options: benchmarks.Report(
        (benchmarks.Row("someone", "somehow", options.threads, error=1e-6),), (bar,)
    )


@pytest.fixture(autouse=True)
def _keep_the_thread_variables(monkeypatch):
    """The command confines its own process; this process is the test's."""
    monkeypatch.setattr(_process, "confine", lambda threads: None)


@pytest.mark.parametrize(("met", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_tells_whether_the_bars_are_met(monkeypatch, tmp_path, met, code):
    monkeypatch.setattr(registry.load(benchmarks, "startup"), "run", fake_run(met))
    path = tmp_path / "deep" / "result.json"
    assert main(["startup", "--json", str(path)]) == code
    content = json.loads(path.read_text(encoding="utf-8"))
    assert (
        content["rows"][0] | {"who": "someone", "config": "somehow", "threads": 1, "error": 1e-6} == content["rows"][0]
    )
    assert {"who", "config", "threads", "error", "ms", "peak_mb"} <= set(content["rows"][0])
    assert [entry.name for entry in path.parent.iterdir()] == ["result.json"]


def test_a_missing_peer_is_named_with_the_remedy(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(registry.load(benchmarks, "gradient"), "our_candidates", lambda *given, **how: [])
    assert main(["gradient", "--rounds", "1"]) == 2
    assert "[bench]" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["roofline", "--threads", "2"], ["memory", "--float32"]])
def test_an_option_that_a_benchmark_cannot_follow_is_refused_with_the_remedy(arguments, capsys):
    assert main(arguments) == 2
    assert f"leave out {arguments[1]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [["nothing"], ["startup", "--threads", "0"], ["startup", "--rounds", "0"], ["startup", "--plot", "a.svg"]],
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(SystemExit) as refusal:
        main(arguments)
    assert refusal.value.code == 2


def test_the_command_imports_neither_numpy_nor_torch_before_it_sets_the_threads():
    program = (
        "import sys, verify.benchmarks.__main__ as m; "
        "sys.exit(any(name in sys.modules for name in ('numpy', 'numba', 'torch', 'scipy', 'jax')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_confined_process_keeps_no_more_processors_busy_than_it_may():
    """JAX starts as many threads as it sees processors: the affinity is what holds it."""
    program = (
        "from verify.benchmarks import _process; _process.confine(1)\n"
        "import os, time, jax, jax.numpy as jnp\n"
        "f = jax.jit(lambda x: x @ x)\n"
        "x = jnp.ones((1500, 1500))\n"
        "f(x).block_until_ready()\n"
        "cpu, wall = time.process_time(), time.perf_counter()\n"
        "f(x).block_until_ready()\n"
        "busy = (time.process_time() - cpu) / (time.perf_counter() - wall)\n"
        "assert busy < 1.2, busy\n"
        "assert os.environ['NUMBA_NUM_THREADS'] == '1'\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "result.json"
    reporting.write_json(path, {"old": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        reporting.write_json(path, {"new": float("nan")})
    assert json.loads(path.read_text(encoding="utf-8")) == {"old": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.json"]
