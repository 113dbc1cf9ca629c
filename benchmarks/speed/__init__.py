"""How fast brainseg is beside what a user would otherwise run: one table, one ratio a row.

    python -m benchmarks.speed                      the short set, which `make bench` runs
    python -m benchmarks.speed --long               everything, for hours
    python -m benchmarks.speed --only NAME ...      some families or rows; `--list` names them
    python -m benchmarks.speed --report             the tables of `docs/performance.md` from the stored rows

`baselines/` holds what a user would write with plain fastai, the grad-cam package or Pillow, `ours/` the same work with
brainseg, and `rows/` the pairs. Each side of a pair is a process of its own, and the two take turns in one run.
"""
