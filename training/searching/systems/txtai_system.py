"""txtai with content storage; vectors are given, so its own models are never loaded."""

from txtai import Embeddings

CONFIGURATIONS = {"default": {}, "best (flat)": {"faiss": {"components": "IDMap,Flat"}}}
MORE = 20


class System:
    def __init__(self, folder, settings):
        self.given = {}

        def transform(data):  # txtai takes a plain function and calls anything else
            return self.vectors(data)

        self.embeddings = Embeddings(method="external", transform=transform, content=True, **settings)

    def vectors(self, data):
        import numpy as np

        return np.array([self.given[text] for text in data], dtype=np.float32)

    def build(self, base):
        self.codes = base.codes
        self.keys = base.texts
        # Two phrasings may have the same words, so the vector is known by the number before them.
        rows = [f"{n} {text}" for n, text in enumerate(base.texts)]
        self.given = dict(zip(rows, base.vectors, strict=True))
        self.embeddings.index(
            (n, {"text": row, "language": code}) for n, (row, code) in enumerate(zip(rows, base.codes, strict=True))
        )
        self.given = {}

    def search(self, vector, text, language, k):
        self.given = {"asked": vector}
        rows = self.embeddings.search(
            "SELECT id, text, score FROM txtai WHERE similar('asked', :many) AND language = :language",
            limit=k, parameters={"language": language, "many": k * MORE},
        )  # fmt: skip
        return [(row["id"], row["text"]) for row in rows]

    def edit(self, key, vector, text):
        self.given = {text: vector}
        self.embeddings.upsert([(key, {"text": text, "language": self.codes[key]})])
