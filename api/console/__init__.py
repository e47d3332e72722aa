"""The console: what people see. One blueprint, a module per page; its actions call the API that programs call."""

from api.console.frame import blueprint  # isort: skip  (the pages below hang their routes on it)
from api.console import (
    boards,
    errors,
    format,
    inbox,
    knowledge,
    knowledge_import,
    knowledge_tasks,
    login,
    texts,
    training,
    wall,
)

__all__ = [
    "blueprint",
    "boards",
    "errors",
    "format",
    "inbox",
    "knowledge",
    "knowledge_import",
    "knowledge_tasks",
    "login",
    "texts",
    "training",
    "wall",
]
