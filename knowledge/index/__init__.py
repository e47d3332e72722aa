"""The index: which phrasings are nearest to a vector, at any size of the base. See `phrasing_index`."""
