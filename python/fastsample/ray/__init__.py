"""Draws on a Ray cluster: the steps of :mod:`fastsample.parts` as Ray tasks.

Needs Ray: ``pip install 'fastsample[ray]'``, on all nodes. All nodes have to see the files under
the same names, in a shared folder or an object store.
"""

from fastsample.ray.files import RaySample, sample

__all__ = ["RaySample", "sample"]
