"""What the suite of faults is made of: rows, the run that one is put into, and what is looked at afterwards."""
