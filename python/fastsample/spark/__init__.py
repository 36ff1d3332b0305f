"""Draws on a Spark cluster: the steps of :mod:`fastsample.parts` as Spark jobs.

Needs PySpark (``pip install 'fastsample[spark]'``) where the draw is made, and fastsample on all
nodes. All of them have to see the files under the same names, in a shared folder or an object
store. DataFrames are drawn from by a key.
"""

from fastsample.spark.files import SparkSample, sample
from fastsample.spark.frames import DataFrameSample, sample_dataframe
from fastsample.spark.register import register

__all__ = ["DataFrameSample", "SparkSample", "register", "sample", "sample_dataframe"]
