"""The version of gome: of the package, the command line, and the runs that it starts."""

__all__ = ["VERSION"]

VERSION = "0.2.0"
