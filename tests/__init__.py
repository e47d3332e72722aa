"""The tests. `tests/fixtures` holds what they share; each room has its folder."""
