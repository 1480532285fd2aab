"""Two git refs in, a verdict you can trust out, on real hosts nobody had to build by hand."""

__all__ = ["__version__"]

__version__ = "0.1.0"
