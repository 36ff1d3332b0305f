"""Measurements of what samples teach: not part of the package, nor of its speed."""
