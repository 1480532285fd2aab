"""What is done on a host: SSH, one question to one host or to all, provisioning."""
