"""PyTorch's side of `cargo xtask bench ops --against torch`, which starts it: one convolution at a time, its output and
(by `aten::convolution_backward`) each of its gradients alone, in NCHW or channels-last."""

import time
from pathlib import Path

import torch
from protocol import about, measured, noise, serve, set_threads


class Convolution:
    def __init__(self, task):
        set_threads(task["threads"])
        clock = time.perf_counter()
        shape = task["shape"]
        layout = torch.channels_last if task["variant"] == "channels-last" else torch.contiguous_format
        stride, padding, kernel = shape["stride"], shape["padding"], shape["weight"][2:]
        sides = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip(shape["input"][1:], padding, kernel, stride)]

        def tensor(name, dims):
            values = torch.from_numpy(noise(name, torch.Size(dims).numel())).reshape(dims)
            return values.to(memory_format=layout)

        self.x = tensor("x", [task["batch"], *shape["input"]])
        self.weight = tensor("weight", shape["weight"])
        self.gradient = tensor("gradient", [task["batch"], shape["weight"][0], *sides])
        self.arguments = None, stride, padding, [1, 1], False, [0, 0], shape["groups"]
        self.opened = {
            "network_s": 0.0,
            "data_s": time.perf_counter() - clock,
            "about": about({}),
        }

    def run(self, which):
        if which == "forward":
            bias, *rest = self.arguments
            return torch.ops.aten.convolution(self.x, self.weight, bias, *rest)
        mask = [which == "input-gradient", which == "weight-gradient", False]
        gradients = torch.ops.aten.convolution_backward(self.gradient, self.x, self.weight, *self.arguments, mask)
        return gradients[0 if mask[0] else 1]

    def write(self, folder):
        for which in ["forward", "input-gradient", "weight-gradient"]:
            self.run(which).contiguous().numpy().tofile(Path(folder) / which)

    def time(self, which, repeats):
        def work():
            for _ in range(repeats):
                self.run(which)

        _, seconds, cpu = measured(work)
        return {"seconds": seconds / repeats, "cpu_seconds": None if cpu is None else cpu / repeats, "value": 0.0}


def main():
    made = []

    def make(request):
        made[:] = [Convolution(request)]
        return made[0].opened

    with torch.no_grad():
        serve(
            {
                "convolution": make,
                "outputs": lambda request: made[0].write(request["dir"]),
                "time": lambda request: made[0].time(request["pass"], request["repeats"]),
            }
        )


main()
