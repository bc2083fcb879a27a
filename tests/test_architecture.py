"""The house stands as DESIGN says: who may import whom, and what each process brings into memory.

The modules are found by walking the folders, so a new room is held to the same rules on its first day.
"""

import json
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]
# The only room that may need torch at import; __main__ would start the program.
_NEEDS_TORCH = "workbench.engine.train"

# Imports the modules named in argv[2] while those in argv[1] cannot be imported; prints what is in memory.
_IMPORT_SCRIPT = """
import importlib, json, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(name + " must not be needed here")

blocked, wanted = map(json.loads, sys.argv[1:])
sys.meta_path.insert(0, Refuse())
for name in wanted:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def _modules(*places: str) -> list[str]:
    """Names of all modules in these files and folders of the package."""
    files = [file for place in places for file in _python_files(_ROOT / "workbench" / place)]
    names = [".".join(file.relative_to(_ROOT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def _python_files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(place.rglob("*.py"))
    return [place.with_suffix(".py")] if place.with_suffix(".py").exists() else []


def _import_in_a_fresh_process(modules: list[str], *, blocked: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _IMPORT_SCRIPT, json.dumps(blocked), json.dumps(modules)]
    return subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=100)


def test_every_room_imports_only_what_it_may() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-cache"]

    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False, timeout=100)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_folder_with_code_is_a_package() -> None:
    folders = {file.parent for file in (_ROOT / "workbench").rglob("*.py")}

    # Tools that read the code without running it do not see into a folder that lacks it.
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


def test_engine_session_and_command_line_need_neither_qt_nor_torch() -> None:
    modules = _modules("engine", "cli", "project", "session", "jobs", "plugin_api", "plugin_loader")
    modules = [name for name in modules if not name.startswith(_NEEDS_TORCH)]

    done = _import_in_a_fresh_process(modules, blocked=["PySide6", "shiboken6", "pyqtgraph", "torch"])

    assert done.returncode == 0, done.stderr
    assert "workbench.engine.core.recipe" in modules


def test_the_window_brings_no_runtime_into_its_process() -> None:
    modules = _modules("gui")

    done = _import_in_a_fresh_process(modules, blocked=[])

    assert done.returncode == 0, done.stderr
    assert "PySide6" in json.loads(done.stdout)
    assert {"onnx", "onnxruntime", "torch", "sklearn", "scipy"} & set(json.loads(done.stdout)) == set()


def test_the_fence_of_these_tests_holds() -> None:
    done = _import_in_a_fresh_process(["workbench.engine.core.layer"], blocked=["numpy"])

    assert "ImportError: numpy must not be needed here" in done.stderr
