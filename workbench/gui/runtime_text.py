"""What runs the models, in a few words for the status bar."""

import importlib.metadata

import psutil


def runtime_text() -> str:
    """Runtime, provider and threads, as sessions of the engine are made; nothing is imported for it."""
    try:
        version = importlib.metadata.version("onnxruntime")
    except importlib.metadata.PackageNotFoundError:
        return "onnxruntime is missing"
    threads = psutil.cpu_count(logical=False) or 1
    return f"onnxruntime {version} · CPU · {threads} thread{'' if threads == 1 else 's'}"
