"""Logging: one JSON line an event, on standard error. Ids and numbers only, never a person's text."""

from __future__ import annotations

import logging
import sys

import structlog

from knowledge.settings import Settings


def set_up(settings: Settings, process: str) -> None:
    """Configure logging for one process."""
    level = getattr(logging, settings.log_level.upper())
    others = max(level, logging.WARNING)
    logging.basicConfig(level=others, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
