"""What a process loads before it does anything: no model library where none is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("sklearn", "scipy", "torch", "faiss", "spacy", "lingua")


@pytest.mark.parametrize("modules", ["training.records, training.runs, training.models", "api.serving, api.console"])
def test_what_the_web_process_imports_brings_no_model_library_along(modules: str) -> None:
    code = f"import sys, {modules}; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert loaded.stdout == "[]\n"
