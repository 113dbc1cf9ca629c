"""The queue, what starts its runs (workers, a Ray cluster, a command), and the processes that train."""
