"""Local hosts: Vagrant, its providers, the boxes, the doctor."""
