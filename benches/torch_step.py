"""PyTorch's side of `cargo xtask bench step --against torch`, which starts it: see `README.md` beside it.

A step is the forward pass, CYBORG's loss (alpha 0.5, CAM of the predicted class) or cross-entropy, the backward pass and
SGD as in the released code. `variant` says how:

- nchw: as the released code does it; DenseNet's features come from a second forward pass (CYBORG only)
- channels-last: network and images in channels-last, one pass, the fused optimiser
- folded: nchw in evaluation, batch norms folded into the convolutions before them
"""

import time
from pathlib import Path

import torch
from networks import TAPS, make
from protocol import about, cpu_seconds, measured, memory, reset_peak, serve, set_threads
from safetensors.torch import load_file, save_file

CLASSES = 2
ALPHA = 0.5


class Step:
    def __init__(self, settings):
        set_threads(settings["threads"])
        name, variant = settings["backbone"], settings["variant"]
        self.train = settings["mode"] == "train"
        self.cyborg = settings["method"] == "cyborg"
        self.second_pass = name == "densenet121" and variant == "nchw" and self.cyborg and self.train
        clock = time.perf_counter()
        self.model = make(name, CLASSES)
        folder = Path(settings["inputs"])
        self.model.load_state_dict(load_file(folder / "weights.safetensors"), strict=True)
        self.model.train(self.train)
        layout = torch.channels_last if variant == "channels-last" else torch.contiguous_format
        tap, classifier = TAPS[name]
        if variant == "folded":
            from torch.fx.experimental.optimization import fuse

            self.model = fuse(self.model)
        self.model = self.model.to(memory_format=layout)
        self.classifier = self.model.get_submodule(classifier)
        self.features = None
        if variant != "folded" and not self.second_pass:
            self.model.get_submodule(tap).register_forward_hook(self.keep)
        fused = variant == "channels-last"
        self.optimiser = torch.optim.SGD(
            self.model.parameters(), lr=0.005, momentum=0.9, weight_decay=1e-6, fused=fused
        )
        network_s = time.perf_counter() - clock
        clock = time.perf_counter()
        batch = load_file(folder / "batch.safetensors")
        self.images = batch["images"].to(memory_format=layout)
        self.labels, self.maps = batch["labels"], batch["maps"]
        self.before_bytes = memory("VmRSS")
        self.opened = {
            "network_s": network_s,
            "data_s": time.perf_counter() - clock,
            "about": about({"passes": "2" if self.second_pass else "1", "fused SGD": str(fused)}),
        }

    def keep(self, _module, _inputs, output):
        # DenseNet's next ReLU works in place on the output of `features`.
        self.features = output.clone() if self.classifier is getattr(self.model, "classifier", None) else output

    def compute(self):
        """Value, and what is compared."""
        if not self.train:
            with torch.inference_mode():
                logits = self.model(self.images)
            outputs = {"logits": logits}
            if self.features is not None:
                outputs["features"] = self.features
            return logits.mean(), outputs
        self.optimiser.zero_grad()
        logits = self.model(self.images)
        loss = torch.nn.functional.cross_entropy(logits, self.labels)
        outputs = {"logits": logits}
        if self.second_pass:
            self.features = self.model.features(self.images)
        if self.cyborg:
            weight = self.classifier.weight[logits.argmax(1)]
            cams = torch.einsum("bc,bchw->bhw", weight, self.features)
            cams = cams - cams.amin((1, 2), keepdim=True)
            cams = cams / cams.amax((1, 2), keepdim=True)
            outputs["map term"] = ((cams - self.maps) ** 2).mean()
            loss = ALPHA * loss + (1 - ALPHA) * outputs["map term"]
        outputs |= {"loss": loss, "features": self.features}
        loss.backward()
        return loss, outputs

    def first(self, path):
        clock = time.perf_counter()
        value, outputs = self.compute()
        seconds = time.perf_counter() - clock
        if path is not None:
            tensors = {name: tensor.detach().contiguous() for name, tensor in outputs.items()}
            if self.train:
                tensors |= {f"gradient of {n}": p.grad.contiguous() for n, p in self.model.named_parameters()}
            save_file(tensors, path)
        clock = time.perf_counter()
        value = self.finish(value)
        seconds += time.perf_counter() - clock
        del outputs
        reset_peak()
        return {"seconds": seconds, "cpu_seconds": None, "value": value}

    def step(self):
        value, seconds, cpu = measured(lambda: self.finish(self.compute()[0]))
        return {"seconds": seconds, "cpu_seconds": cpu, "value": value}

    def finish(self, value):
        if self.train:
            self.optimiser.step()
        self.features = None
        return value.item()


def main():
    opened = []

    def open_(request):
        opened[:] = [Step(request)]
        return opened[0].opened

    def peak(_request):
        return {"peak_bytes": memory("VmHWM"), "before_bytes": opened[0].before_bytes}

    serve(
        {
            "open": open_,
            "first": lambda request: opened[0].first(request["write"]),
            "step": lambda _request: opened[0].step(),
            "memory": peak,
        }
    )


main()
