"""How each kind of metric is compared: levels, trends, proportions, counts, all together."""
