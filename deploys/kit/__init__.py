"""What every deploy is made of: releases, slots, packages, scripts, secrets, quoting."""
