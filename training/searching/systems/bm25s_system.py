"""bm25s: words in place of vectors, so its recall against the nearest vectors says nothing and is left out."""

import bm25s
import numpy as np

CONFIGURATIONS = {"default": {}}
LEXICAL = True


class System:
    def __init__(self, folder, settings):
        self.texts = []

    def build(self, base):
        self.texts = list(base.texts)
        codes = np.array(base.codes)
        self.masks = {code: (codes == code).astype(np.float32) for code in set(base.codes)}
        self.index()

    def index(self):
        self.engine = bm25s.BM25()
        self.engine.index(bm25s.tokenize(self.texts, show_progress=False), show_progress=False)

    def search(self, vector, text, language, k):
        words = bm25s.tokenize([text], show_progress=False)
        found, _ = self.engine.retrieve(words, k=k, show_progress=False, weight_mask=self.masks[language])
        return [(int(key), self.texts[key]) for key in found[0]]

    def edit(self, key, vector, text):
        self.texts[key] = text
        self.index()
