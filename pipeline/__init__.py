"""Two git refs in, a verdict you can trust out, on real hosts nobody had to build by hand."""
