"""The built-in model and samples, and a recipe, as the command line takes them."""

from pathlib import Path

import pytest

from workbench.cli.main import main


@pytest.fixture
def model(demo_folder: Path) -> str:
    return str(demo_folder / "digits.onnx")


@pytest.fixture
def data(demo_folder: Path) -> str:
    return str(demo_folder / "digits.npz")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "r.yaml"
    path.write_text("version: 1\nrules:\n  - select: '*'\n    weights: {bits: 4}\n")
    return path


@pytest.fixture
def error_of(capsys: pytest.CaptureFixture[str]):
    """Runs a command that must fail with status 2, one line on standard error and nothing on standard output."""

    def run(*arguments: object) -> str:
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])

        printed = capsys.readouterr()
        assert status == 2
        assert printed.out == ""
        assert printed.err.startswith("error: ")
        assert printed.err.count("\n") == 1
        return printed.err.strip()

    return run
