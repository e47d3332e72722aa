"""One module a system. Each runs in its own interpreter, so none may import anything of ours but `odzew_system`.

A module has `CONFIGURATIONS` (name to settings) and `System(folder, settings)` with `build(base)`,
`search(vector, text, language, k)`, which gives ids with the texts fetched, and `edit(key, vector, text)`, which
returns when the change is kept.
"""
