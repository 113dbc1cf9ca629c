"""The queue, its worker and the processes that train."""
