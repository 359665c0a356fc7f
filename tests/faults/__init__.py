"""The real system, broken on purpose. `python -m tests.faults --seed 1` is one run; the tests are its parts."""
