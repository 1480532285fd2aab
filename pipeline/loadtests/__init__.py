"""What load generators wrote, as evidence: two files in, the same verdict out as for a run. A reader a tool."""
