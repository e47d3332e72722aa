"""The console: what people see. One blueprint, a module per page; its actions call the API that programs call."""

from api.console.frame import blueprint  # isort: skip  (the pages below hang their routes on it)
from api.console import errors, format, inbox, knowledge, knowledge_import, login, texts, training, wall

__all__ = [
    "blueprint",
    "errors",
    "format",
    "inbox",
    "knowledge",
    "knowledge_import",
    "login",
    "texts",
    "training",
    "wall",
]
