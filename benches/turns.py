"""Rounds in which contenders take turns, so that a slow minute of the machine hits them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benches.process import Run


def by_turns(
    names: Sequence[str], rounds: int, one: Callable[[str], Run], about: str = ""
) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """Run every contender `rounds` times; return the good runs, and why others failed.

    The first place moves on by one each round. A contender that fails is not run again.
    """
    runs: dict[str, list[Run]] = {name: [] for name in names}
    failed: dict[str, str] = {}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in [*names[shift:], *names[:shift]]:
            if name in failed:
                continue
            done = one(name)
            if done.error is None:
                runs[name].append(done)
            else:
                failed[name] = f"round {turn + 1}: {done.error}"
            print(
                f"{about}round {turn + 1}  {name:20}{done.seconds:8.2f} s"
                f"{done.cpu_seconds:8.2f} CPU s{done.peak_bytes / 2**20:8.0f} MiB  "
                f"{done.error or ''}",
                flush=True,
            )
    return runs, failed
