"""The queue, its workers and the processes that train."""
