"""Production hosts in AWS. `cloud` is the way in; its state is in the tags of what it made (`tags`), in no file."""
