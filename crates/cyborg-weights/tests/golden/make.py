"""Small PyTorch files in every form that the reader takes or refuses. Expected values are in tests/torch_files.rs,
computed from the formulas here, never from our reader.

    python make.py

versions.txt, which this writes, says with what."""

import argparse
import collections
import io
import pathlib
import pickle
import sys
import zipfile

import numpy
import torch

HERE = pathlib.Path(__file__).parent
torch.manual_seed(0)


def state():
    """`a` (2, 3) = 0, 0.5, 1, ...; `t` its transpose, sharing its storage; `s` every second of 8; `n` a count."""
    a = (torch.arange(6, dtype=torch.float32) / 2).reshape(2, 3)
    return collections.OrderedDict(
        a=a,
        t=a.t(),
        s=torch.arange(8, dtype=torch.float32)[1::2],
        e=torch.tensor([3.0]).expand(4),
        n=torch.tensor(7),
        z=torch.zeros(0, 3),
    )


def save(name, obj, **how):
    torch.save(obj, HERE / name, **how)


def main():
    save("zip.pth", state())
    save("legacy.pth", state(), _use_new_zipfile_serialization=False)
    for protocol in (3, 4, 5):
        save(f"protocol{protocol}.pth", state(), pickle_protocol=protocol)
    torch.serialization.set_crc32_options(False)
    save("no-checksums.pth", state())
    torch.serialization.set_crc32_options(True)
    values = [-1.5, 0.25, 96.0]
    for element in ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8"):
        save(f"{element}.pth", {"x": torch.tensor(values).to(getattr(torch, element))})
    save("uint8.pth", {"x": torch.tensor([0, 1, 255], dtype=torch.uint8)})
    save("bool.pth", {"x": torch.tensor([True, False, True])})
    save("uint32.pth", {"x": torch.tensor([0, 1, 4294967295], dtype=torch.uint32)})
    save("complex.pth", {"x": torch.tensor([1j, 2.0]), "y": torch.zeros(1)})

    # A module with parameters, buffers and a batch norm, as checkpoints have it.
    model = torch.nn.Sequential(collections.OrderedDict(fc=torch.nn.Linear(2, 1), bn=torch.nn.BatchNorm1d(1)))
    with torch.no_grad():
        model.fc.weight.copy_(torch.tensor([[0.5, -2.0]]))
        model.fc.bias.fill_(4.0)
    parallel = torch.nn.DataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    model(torch.ones(2, 2)).sum().backward()
    optimizer.step()
    with torch.no_grad():
        model.fc.weight.copy_(torch.tensor([[0.5, -2.0]]))
        model.fc.bias.fill_(4.0)
        model.bn.reset_parameters()
    checkpoint = {
        "epoch": 3,
        "state_dict": parallel.state_dict(),
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=0.1, out=pathlib.Path("x")),
        "best": numpy.float64(0.5),
        "history": [0.5, {"a": (1, None, True)}],
        "time": torch.tensor(1.0),
    }
    save("checkpoint.pth", checkpoint)
    save("checkpoint-legacy.pth", checkpoint, _use_new_zipfile_serialization=False)
    save("parameters.pth", {"model": dict(model.named_parameters())})
    save("whole-model.pth", model)

    # What must be refused.
    class Evil:
        def __reduce__(self):
            import os

            return os.system, ("touch /tmp/cyborg-was-here",)

    save("code.pth", {"x": torch.zeros(1), "y": Evil()})
    save("code-legacy.pth", {"x": torch.zeros(1), "y": Evil()}, _use_new_zipfile_serialization=False)
    (HERE / "plain.pkl").write_bytes(pickle.dumps({"x": [1.0]}))
    (HERE / "evil.pkl").write_bytes(pickle.dumps(Evil()))
    save("tensor.pth", torch.zeros(2))
    save("empty.pth", {})
    torch.jit.save(torch.jit.script(torch.nn.Linear(1, 1)), str(HERE / "script.pt"))
    with zipfile.ZipFile(HERE / "deflated.pth", "w", zipfile.ZIP_DEFLATED) as out:
        with zipfile.ZipFile(HERE / "float32.pth") as source:
            for entry in source.namelist():
                out.writestr(entry, source.read(entry))
    # Zipped again without compression, as tools do: no 64-bit records, other padding.
    with zipfile.ZipFile(HERE / "stored.pth", "w", zipfile.ZIP_STORED) as out:
        with zipfile.ZipFile(HERE / "float32.pth") as source:
            for entry in source.namelist():
                out.writestr(entry, source.read(entry))
    (HERE / "versions.txt").write_text(
        f"Python {sys.version.split()[0]}\nPyTorch {torch.__version__}\nNumPy {numpy.__version__}\n"
    )


main()
