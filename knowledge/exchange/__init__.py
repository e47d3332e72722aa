"""Import and export of the base: readers and writers of formats, the plan of an import, its storing and its undo.

Reading order: `records`, `source`, one reader such as `jsonl`, `gather`, `plan`, `run`, `undo`.
"""

from knowledge.exchange.formats import FORMATS, SUFFIXES, WRITTEN, Format
from knowledge.exchange.plan import FATES, Line
from knowledge.exchange.records import Reading
from knowledge.exchange.run import PlanChanged, Report, export_base, import_base
from knowledge.exchange.undo import NoSuchImport, Undone, imports, undo_import

__all__ = [
    "FATES", "FORMATS", "SUFFIXES", "WRITTEN", "Format", "Line", "NoSuchImport", "PlanChanged", "Reading", "Report",
    "Undone", "export_base", "import_base", "imports", "undo_import",
]  # fmt: skip
