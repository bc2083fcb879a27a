"""Where the built-in model and samples are."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def demo_files() -> tuple[Path, Path] | None:
    """The demo's model and samples, in a checkout or in an installed package; None where they are missing."""
    for folder in (_PACKAGE / "_resources" / "demo", _PACKAGE.parent / "resources" / "demo"):
        models = sorted(folder.glob("*.onnx"))
        samples = sorted((*folder.glob("*.npz"), *folder.glob("*.zip")))
        if models and samples:
            return models[0], samples[0]
    return None
