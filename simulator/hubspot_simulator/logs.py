"""The loggers of this package. They hide secrets in messages and tracebacks."""

from __future__ import annotations

import logging

from .core.redaction import shown, shown_lines

_FORMATTER = logging.Formatter()


class _Redacting(logging.Filter):
    """Hides the secrets in a record's message and traceback before any handler sees them."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = shown(record.getMessage()), ()
        if record.exc_info and record.exc_info[1] is not None:
            traceback = _FORMATTER.formatException(record.exc_info)
            record.exc_text = shown_lines(traceback)  # formatters use this text if it is set
            if record.exc_text != traceback:
                record.exc_info = None  # a handler that formats the exception itself would show the secret
        return True


_REDACTING = _Redacting()


def get_logger(name: str) -> logging.Logger:
    """Return the logger ``name`` with the redacting filter. Loggers do not inherit filters, so each needs its own."""
    logger = logging.getLogger(name)
    logger.addFilter(_REDACTING)  # has no effect the second time
    return logger
