"""Tests of the room `api`: the spine's promises."""
