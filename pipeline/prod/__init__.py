"""Production's hosts: `settings` says what is wanted, `cloud` what a cloud must do for it, `apply` is the rest."""
