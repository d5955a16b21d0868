"""Exit statuses that follow from signals, as a shell reports them; those of errors stand in `gome.errors`."""

__all__ = ["INTERRUPTED", "PIPE_CLOSED"]

INTERRUPTED = 130
"""After ^C: 128 and the number of SIGINT."""
PIPE_CLOSED = 141
"""After whoever read the output is gone: 128 and the number of SIGPIPE."""
