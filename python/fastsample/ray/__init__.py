"""Draws on a Ray cluster: the steps of :mod:`fastsample.parts` as Ray tasks.

Needs Ray: ``pip install 'fastsample[ray]'``, on all nodes. All nodes have to see the files under
the same names, in a shared folder or an object store. Ray Datasets are drawn from by a key.
"""

from fastsample.ray.files import RaySample, sample
from fastsample.ray.frames import DatasetSample, sample_dataset

__all__ = ["DatasetSample", "RaySample", "sample", "sample_dataset"]
