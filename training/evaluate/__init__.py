"""Evaluation on files alone: what `odzew evaluate` prints."""
