"""The version, for everything that signs its work."""

__version__ = "0.1.0"
