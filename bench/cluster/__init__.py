"""Many machines: a grid of blocks, run by Slurm or by hand, and what it says of the machines."""
