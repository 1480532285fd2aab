"""Inputs as people have them, generated in numbers and read by us and by the originals."""
