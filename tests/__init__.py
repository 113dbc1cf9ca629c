import os

# Small networks on small images gain nothing from threads, and processes started by tests would fight for the cores.
# This comes before numpy and torch are imported, which look only then.
os.environ["OMP_NUM_THREADS"] = "1"
