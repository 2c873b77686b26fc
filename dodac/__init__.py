"""dodac: the words every room shares; it imports no other room."""

__version__ = "0.1.0"
