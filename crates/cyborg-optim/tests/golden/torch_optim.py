"""Golden values of optimisers, schedules and clipping, by PyTorch.

python torch_optim.py    writes torch_optim.safetensors beside itself and prints how far float32 takes PyTorch

Made with Python 3.11.7, torch 2.15.0 (CPU), safetensors 0.8.0.

Four parameters of odd shapes make 20 steps with drawn gradients; `bias` has none at some of them. The learning rate
changes from step to step. Saved are the parameters after some steps and the optimiser's state after the last.
"""

import warnings
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.optim import lr_scheduler

STEPS, SAVED_AFTER, WITHOUT_GRADIENT = 20, [1, 7, 20], [0, 3, 4, 11]
SHAPES = {"conv": (3, 2, 1, 5), "bias": (7,), "scalar": (), "odd": (4, 11)}
# Learning-rate factor and weight-decay factor.
FACTORS = {"conv": (10.0, 1.0), "bias": (1.0, 0.0), "scalar": (0.5, 2.0), "odd": (1.0, 1.0)}

# name: optimiser, learning rate, its other settings, groups, clipping
RUNS = {
    "sgd": ("SGD", 0.05, {"momentum": 0.9, "weight_decay": 0.01}, False, None),
    "sgd-without-momentum": ("SGD", 0.05, {"momentum": 0.0, "weight_decay": 0.01}, False, None),
    "sgd-nesterov": ("SGD", 0.05, {"momentum": 0.8, "weight_decay": 0.01, "nesterov": True}, False, None),
    "sgd-groups": ("SGD", 0.01, {"momentum": 0.9, "weight_decay": 0.1}, True, None),
    "sgd-clip-norm": ("SGD", 0.05, {"momentum": 0.9, "weight_decay": 0.01}, False, ("norm", 1.5)),
    "sgd-clip-value": ("SGD", 0.05, {"momentum": 0.9, "weight_decay": 0.01}, False, ("value", 0.25)),
    "adam": ("Adam", 0.01, {}, False, None),
    "adam-decay": ("Adam", 0.01, {"betas": (0.8, 0.95), "eps": 1e-6, "weight_decay": 0.1}, False, None),
    # A share of 0.6 for the new gradient takes the other branch of torch.lerp.
    "adam-short-memory": ("Adam", 0.01, {"betas": (0.4, 0.7), "weight_decay": 0.1}, False, None),
    "adam-groups": ("Adam", 0.01, {"weight_decay": 0.1}, True, None),
    "adam-clip-norm": ("Adam", 0.01, {}, False, ("norm", 1.5)),
    "adamw": ("AdamW", 0.01, {}, False, None),
    "adamw-groups": ("AdamW", 0.01, {"weight_decay": 0.1}, True, None),
}


def run(values, gradients, dtype, kind, rate, settings, groups, clipping):
    parameters = {name: value.to(dtype, copy=True).requires_grad_() for name, value in values.items()}
    factor = lambda name: FACTORS[name] if groups else (1.0, 1.0)
    decay = settings.get("weight_decay", 0.01 if kind == "AdamW" else 0.0)
    listed = [
        {"params": [parameter], "lr": rate * factor(name)[0], "weight_decay": decay * factor(name)[1]}
        for name, parameter in parameters.items()
    ]
    other = {key: value for key, value in settings.items() if key != "weight_decay"}
    optimiser = getattr(torch.optim, kind)(listed, lr=rate, foreach=False, fused=False, **other)
    saved, norms = {name: [] for name in SHAPES}, []
    for step in range(STEPS):
        for group, name in zip(optimiser.param_groups, parameters):
            group["lr"] = rate * (1.0 - step / 40.0) * factor(name)[0]
            without = name == "bias" and step in WITHOUT_GRADIENT
            parameters[name].grad = None if without else gradients[name][step].to(dtype, copy=True)
        if clipping is not None and clipping[0] == "norm":
            norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), clipping[1], foreach=False))
        elif clipping is not None:
            torch.nn.utils.clip_grad_value_(parameters.values(), clipping[1], foreach=False)
        optimiser.step()
        if step + 1 in SAVED_AFTER:
            for name, parameter in parameters.items():
                saved[name].append(parameter.detach().clone())
    state = {name: optimiser.state[parameter] for name, parameter in parameters.items()}
    return {name: torch.stack(values) for name, values in saved.items()}, state, norms


def rates(make, n, base=0.1):
    """The learning rates that a scheduler gives to n steps, and those of its closed form where it has one."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    scheduler = make(optimiser)
    stepped, closed = [], []
    for _ in range(n):
        stepped.append(optimiser.param_groups[0]["lr"])
        if hasattr(scheduler, "_get_closed_form_lr"):
            closed.append(scheduler._get_closed_form_lr()[0])
        optimiser.step()
        scheduler.step()
    return stepped, closed


def main():
    warnings.simplefilter("ignore")
    generator = torch.Generator().manual_seed(20)
    draw = lambda *shape: torch.randn(shape, generator=generator)
    values = {name: draw(*shape) for name, shape in SHAPES.items()}
    gradients = {name: 0.3 * draw(STEPS, *shape) for name, shape in SHAPES.items()}
    tensors = {f"value/{name}": value for name, value in values.items()}
    tensors |= {f"gradient/{name}": gradient for name, gradient in gradients.items()}
    for name, how in RUNS.items():
        saved, state, norms = run(values, gradients, torch.float32, *how)
        exact, _, _ = run(values, gradients, torch.float64, *how)
        far = max(float(((saved[p] - exact[p]).abs() / exact[p].abs().amax()).max()) for p in SHAPES)
        print(f"{name}: float32 against float64, relative to the largest of a parameter: {far:.1e}")
        tensors |= {f"{name}/{parameter}": value for parameter, value in saved.items()}
        for parameter, entries in state.items():
            for entry, value in entries.items():
                if value is not None:
                    tensors[f"{name}/{entry}/{parameter}"] = value.detach().clone()
        if norms:
            tensors[f"{name}/norms"] = torch.stack(norms)
    schedules = {
        "step": (lambda o: lr_scheduler.StepLR(o, 12, 0.1), 50),
        "step-7": (lambda o: lr_scheduler.StepLR(o, 7, 0.3), 50),
        "multi-step": (lambda o: lr_scheduler.MultiStepLR(o, [3, 10, 11], 0.2), 50),
        "cosine": (lambda o: lr_scheduler.CosineAnnealingLR(o, 50), 50),
        "cosine-to": (lambda o: lr_scheduler.CosineAnnealingLR(o, 50, 0.05 * 0.1), 50),
        "cosine-steps": (lambda o: lr_scheduler.CosineAnnealingLR(o, 10 * 8, 0.05 * 0.1), 80),
        # 8 steps an epoch, a warm-up of one epoch and a half.
        "warm-up": (lambda o: lr_scheduler.LinearLR(o, 0.01, 1.0, 12), 80),
        "warm-up-step": (
            lambda o: lr_scheduler.ChainedScheduler(
                [lr_scheduler.LinearLR(o, 0.25, 1.0, 12), lr_scheduler.StepLR(o, 8, 0.5)]
            ),
            80,
        ),
    }
    for name, (make, n) in schedules.items():
        stepped, closed = rates(make, n)
        tensors[f"rates/{name}"] = torch.tensor(stepped, dtype=torch.float64)
        if closed:
            tensors[f"closed-rates/{name}"] = torch.tensor(closed, dtype=torch.float64)
    path = Path(__file__).with_suffix(".safetensors")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
