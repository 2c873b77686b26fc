"""Protocols: the bytes and texts of instruments and files, apart from links and models."""
