"""The platforms of this machine: no key, no network, no cost, the same contract as everyone else."""
