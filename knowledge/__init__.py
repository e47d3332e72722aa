"""The ground floor: settings, database, articles and their life, embeddings and search."""

import os

# Before NumPy and torch are first imported: their worker threads spin for each other, and on a machine with anything
# else to do a decomposition of a 384 x 384 matrix took 18 s on two threads. Every matrix here is small.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
