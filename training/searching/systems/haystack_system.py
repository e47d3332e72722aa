"""haystack's in-memory document store."""

from haystack import Document
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack.document_stores.types import DuplicatePolicy

CONFIGURATIONS = {"default": {}}


class System:
    def __init__(self, folder, settings):
        self.store = InMemoryDocumentStore(embedding_similarity_function="dot_product")

    def build(self, base):
        self.codes = base.codes
        rows = zip(base.texts, base.vectors, base.codes, strict=True)
        self.store.write_documents(
            [
                Document(id=str(n), content=t, embedding=v.tolist(), meta={"language": code})
                for n, (t, v, code) in enumerate(rows)
            ]
        )

    def search(self, vector, text, language, k):
        chosen = {"field": "meta.language", "operator": "==", "value": language}
        found = self.store.embedding_retrieval(query_embedding=vector.tolist(), top_k=k, filters=chosen)
        return [(one.id, one.content) for one in found]

    def edit(self, key, vector, text):
        made = Document(id=str(key), content=text, embedding=vector.tolist(), meta={"language": self.codes[key]})
        self.store.write_documents([made], policy=DuplicatePolicy.OVERWRITE)
