"""Ground: values, roles and errors. Needs numpy and the standard library only."""
