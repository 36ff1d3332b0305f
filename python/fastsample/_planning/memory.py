"""GPU memory at another length, estimated from the memory measured now."""

from __future__ import annotations

from dataclasses import dataclass

from fastsample._planning.limits import Limit, total
from fastsample.errors import ArgumentError

#: Of a parameter in mixed precision with Adam: weight 2, gradient 2, master weight 4, moments 8
#: (Rajbhandari et al., ZeRO, 2020, section 3.1).
BYTES_PER_PARAMETER = 16


@dataclass(frozen=True)
class GpuMemory:
    """Memory of a device: what belongs to the parameters stays, the rest goes with the length."""

    measured: float
    parameters: int
    limit: Limit

    def of(self, limit: Limit | None) -> float:
        """Return the GiB at a limit."""
        if limit is None or limit == self.limit:
            return self.measured
        fixed = _fixed(self.parameters)
        return fixed + (self.measured - fixed) * total(limit) / total(self.limit)

    def assumption(self) -> str:
        """Say how memory is estimated."""
        return (
            f"GPU memory marked with ~ is an estimate: {_fixed(self.parameters):.1f} GiB of weights"
            f", gradients and Adam's state ({BYTES_PER_PARAMETER} bytes a parameter) stay, the "
            "rest is in proportion to the length at the same batch size"
        )


def gpu_memory(
    measured: float | None, parameters: int | None, limit: Limit | None
) -> GpuMemory | None:
    """Return the memory of a device, if it is known."""
    if measured is None and parameters is None:
        return None
    if measured is None or parameters is None or limit is None:
        raise ArgumentError(
            "gpu_memory, parameters and max_length belong together: GiB measured now, parameters "
            "of the model, and the length now"
        )
    if measured <= _fixed(parameters):
        raise ArgumentError(
            f"gpu_memory is {measured:g} GiB, but {parameters:,} parameters take "
            f"{_fixed(parameters):.1f} GiB ({BYTES_PER_PARAMETER} bytes each); give the parameters "
            "that are trained on one device"
        )
    return GpuMemory(measured, parameters, limit)


def _fixed(parameters: int) -> float:
    return parameters * BYTES_PER_PARAMETER / 2**30
