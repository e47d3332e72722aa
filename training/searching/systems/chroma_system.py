"""chromadb, persistent, in this process."""

import chromadb

CONFIGURATIONS = {"default": {}, "best (ef 100, M 32)": {"ef_search": 100, "ef_construction": 200, "max_neighbors": 32}}


class System:
    def __init__(self, folder, settings):
        self.client = chromadb.PersistentClient(str(folder))
        self.settings = settings

    def build(self, base):
        hnsw = {"space": "ip", **self.settings}
        self.collection = self.client.create_collection(
            "phrasings", configuration={"hnsw": hnsw}, embedding_function=None
        )
        self.codes = base.codes
        for start in range(0, len(base.texts), 5000):
            end = min(start + 5000, len(base.texts))
            self.collection.add(
                ids=[str(n) for n in range(start, end)], embeddings=base.vectors[start:end],
                documents=base.texts[start:end], metadatas=[{"language": code} for code in base.codes[start:end]],
            )  # fmt: skip

    def search(self, vector, text, language, k):
        found = self.collection.query(
            query_embeddings=[vector], n_results=k, where={"language": language}, include=["documents"]
        )
        return list(zip(found["ids"][0], found["documents"][0], strict=True))

    def edit(self, key, vector, text):
        self.collection.update(
            ids=[str(key)], embeddings=[vector], documents=[text], metadatas=[{"language": self.codes[key]}]
        )
