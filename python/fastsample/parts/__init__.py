"""A draw cut into steps, for any number of processes and machines.

Each step is a function of what is passed to it, so any engine can run it, anywhere, twice or again.
The rows are those of :func:`fastsample.sample`. What an engine has to do::

    job = Draw("s3://bucket/pairs/", 1_000_000, smart=True)
    decision = None
    while decision is None or not decision.is_final:
        states = [job.observe(part, decision) for part in job.parts]  # on workers
        decision = job.decide(merge(states), decision)
    files = [job.write(part, decision, folder) for part in job.parts]  # on workers
    job.commit(files, folder)
"""

from fastsample.parts.decision import Decision, merge
from fastsample.parts.draw import Draw
from fastsample.parts.output import Committed, PartOutput
from fastsample.parts.plan import Part, PartFile

__all__ = ["Committed", "Decision", "Draw", "Part", "PartFile", "PartOutput", "merge"]
