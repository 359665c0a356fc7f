"""What `make bench` runs: every figure a ratio from one run, with the raw figures beside it. See `docs/performance.md`."""
