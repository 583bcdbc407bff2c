"""Later."""
def report(*_): return 0
