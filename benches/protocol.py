"""The other end of the line that `cyborg-bench` holds (`crates/cyborg-bench/src/protocol.rs`): a line of JSON in, a line of
JSON out, nothing else on stdout."""

import json
import os
import sys
import time

import numpy as np
import torch
import torchvision


def serve(requests):
    """Answers each line by `requests[line["do"]](line)` until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    # What a library prints goes to stderr.
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"ok": requests[request["do"]](request)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


def set_threads(n):
    torch.set_num_threads(n)
    if torch.get_num_threads() != n:
        raise RuntimeError(f"torch has {torch.get_num_threads()} threads, not {n}")


def about(more):
    return {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "threads": str(torch.get_num_threads()),
        "mkldnn": str(torch.backends.mkldnn.is_available() and torch.backends.mkldnn.enabled),
        "capability": torch.backends.cpu.get_cpu_capability(),
        **more,
    }


def cpu_seconds():
    """Seconds that all threads of this process were on a processor, or None where the system does not tell."""
    try:
        total = 0
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
        return total * 1e-9
    except OSError:
        return None


def measured(work):
    """What `work()` gives, its seconds by the clock and on processors."""
    cpu, clock = cpu_seconds(), time.perf_counter()
    result = work()
    seconds = time.perf_counter() - clock
    return result, seconds, None if cpu is None else cpu_seconds() - cpu


def memory(field):
    """`VmHWM` or `VmRSS` in bytes, or None where the system does not tell."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(field + ":"))
    except (OSError, StopIteration):
        return None


def reset_peak():
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:
        pass


def noise(name, n):
    """n numbers in [-1, 1), as `src/noise.rs` makes them."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(key) + np.arange(n, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return ((z >> np.uint64(40)).astype(np.float64) / 2**23 - 1.0).astype(np.float32)
