"""How good a gate will be on traffic that was: past windows of one version against itself, with harm put in."""
