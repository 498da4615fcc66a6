"""What every attack starts from: what it sees, what it can rebuild, how it recognises, how it is scored."""
