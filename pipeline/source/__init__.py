"""A repository and a ref: what is deployed."""
