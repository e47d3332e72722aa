"""The console: what people see. One blueprint, a module per page; every action goes through the same API as a program's."""

from api.console.frame import blueprint  # isort: skip  (the pages below hang their routes on it)
from api.console import errors, inbox, knowledge, login, training, wall

__all__ = ["blueprint", "errors", "inbox", "knowledge", "login", "training", "wall"]
