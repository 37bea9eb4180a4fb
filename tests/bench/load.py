"""wrk from the system as the load, so that the load generator is not what is measured."""

import re
import shutil
import subprocess
from collections.abc import Mapping

import msgspec

_UNIT = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Load(msgspec.Struct, frozen=True):
    """Requests per second, latencies in milliseconds, and how many answers were not 2xx or 3xx."""

    per_second: float
    p50: float
    p99: float
    errors: int


def available() -> bool:
    """Whether wrk is installed (`apt-get install wrk`)."""
    return shutil.which("wrk") is not None


def run(url: str, *, connections: int, seconds: int = 5, headers: Mapping[str, str] | None = None) -> Load:
    """One run of wrk, one thread. Raises if anything but good answers came back."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for name, value in (headers or {}).items():
        command += ["-H", f"{name}: {value}"]
    out = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    load = Load(
        float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]),  # type: ignore[index]
        _milliseconds(out, "50%"),
        _milliseconds(out, "99%"),
        int(bad[1]) if bad else 0,
    )
    if load.errors:
        raise RuntimeError(f"{load.errors} answers of {url} were refusals")
    return load


def median_of(times: int, url: str, **how: object) -> Load:
    """The median run by throughput: a shared machine has bad moments."""
    runs = sorted((run(url, **how) for _ in range(times)), key=lambda each: each.per_second)  # type: ignore[arg-type]
    return runs[len(runs) // 2]


def _milliseconds(out: str, line: str) -> float:
    value, unit = re.search(rf"^\s+{line}\s+([\d.]+)(us|ms|s)", out, re.MULTILINE).groups()  # type: ignore[union-attr]
    return float(value) * _UNIT[unit]
