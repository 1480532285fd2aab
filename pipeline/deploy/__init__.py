"""One application on its hosts, one host after the other, and whether it is all that it should be."""
