"""What one writes by hand: a FAISS flat index in memory, and SQLite for the texts."""

import sqlite3

import faiss
import numpy as np

CONFIGURATIONS = {
    "default (fetch 10 times as many, filter in SQL)": {},
    "best (a bitmap for each language)": {"bitmap": 1},
}
MORE = 10


class System:
    def __init__(self, folder, settings):
        self.bitmap = bool(settings.get("bitmap"))
        self.rows = sqlite3.connect(folder / "texts.db")

    def build(self, base):
        self.index = faiss.IndexFlatIP(base.vectors.shape[1])
        self.index.add(base.vectors)
        self.rows.execute("CREATE TABLE phrasing (id INTEGER PRIMARY KEY, text TEXT, language TEXT, vector BLOB)")
        every = zip(range(len(base.texts)), base.texts, base.codes, map(bytes, base.vectors), strict=True)
        self.rows.executemany("INSERT INTO phrasing VALUES (?, ?, ?, ?)", every)
        self.rows.commit()
        codes = np.array(base.codes)
        self.masks = {code: np.packbits(codes == code, bitorder="little") for code in set(base.codes)}

    def search(self, vector, text, language, k):
        if self.bitmap:
            chosen = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(self.masks[language]))
            ids = self.index.search(vector[None, :], k, params=chosen)[1][0]
        else:
            ids = self.index.search(vector[None, :], k * MORE)[1][0]
        ids = [int(key) for key in ids if key >= 0]
        marks = ",".join("?" * len(ids))
        found = dict(
            self.rows.execute(f"SELECT id, text FROM phrasing WHERE id IN ({marks}) AND language = ?", [*ids, language])
        )
        return [(key, found[key]) for key in ids if key in found][:k]

    def edit(self, key, vector, text):
        with self.rows:
            self.rows.execute("UPDATE phrasing SET text = ?, vector = ? WHERE id = ?", (text, bytes(vector), key))
        faiss.rev_swig_ptr(self.index.get_xb(), self.index.ntotal * self.index.d).reshape(-1, self.index.d)[key] = (
            vector
        )
