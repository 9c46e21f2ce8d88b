"""The loggers of this package: what they say is for people, tracebacks included, and so without secrets."""

from __future__ import annotations

import logging

from .core.redaction import shown, shown_lines

_FORMATTER = logging.Formatter()


class _Redacting(logging.Filter):
    """Puts text in place of a record's arguments, and of an exception that tells a secret, before any handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = shown(record.getMessage()), ()
        if record.exc_info and record.exc_info[1] is not None:
            traceback = _FORMATTER.formatException(record.exc_info)
            record.exc_text = shown_lines(traceback)  # where a formatter looks first
            if record.exc_text != traceback:
                record.exc_info = None  # a handler that formats it by itself would show the raw one
        return True


_REDACTING = _Redacting()


def get_logger(name: str) -> logging.Logger:
    """Return the logger of that name, which redacts. A filter is not inherited: every logger needs its own."""
    logger = logging.getLogger(name)
    logger.addFilter(_REDACTING)  # once, however often
    return logger
