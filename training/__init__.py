"""Examples, runs, evaluation, the gate and model versions."""
