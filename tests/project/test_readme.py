"""What the README says works as it says."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_example_runs_and_does_what_its_comments_say(capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(compile(example, "README.md", "exec"), names)
    problem, scene = names["problem"], names["scene"]
    lines = scene.truth == 0
    kept = (names["uniform"].labels == 0) & lines
    assert kept.sum() < 0.25 * lines.sum()
    assert names["learned"].wrong_percent == 0.0
    assert names["at_uniform"].gradient.shape == (128, 128, 9)
    assert problem.wrong_percent(scene.truth, scene.truth) == 0.0
    assert names["certified"].certificate.gradient_relative <= 1e-6
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^    laflow (\w+)", README, re.MULTILINE))))
def test_every_command_named_exists(command, capsys):
    from laflow.cli import run

    assert run([command, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


def test_every_make_target_named_exists():
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_folder_named_exists():
    for folder in re.findall(r"^\| `([\w/]+/)` \|", README, re.MULTILINE):
        assert (Path(__file__).parents[2] / folder).is_dir()
