"""torchvision -> here -> torchvision: the same bits, for every network and every form of file.

    cargo build -p cyborg-backbones --example through
    python round_trip.py ../../../../target/debug/examples/through

Weights are random (seed 0), batch norms have been trained for a step, so that no tensor is trivial. Each state dict goes
through `Network::open` and `Network::save` as a zip `.pth`, a `.pth` of before PyTorch 1.6 and safetensors, and comes
back by `load_state_dict(strict=True)`; tensors and logits must be equal to the bit."""

import pathlib
import subprocess
import sys
import tempfile

import safetensors.torch
import torch

from names import networks


def main():
    through = pathlib.Path(sys.argv[1]).resolve()
    torch.manual_seed(0)
    for name, network in networks():
        side = 299 if name in ("inception_v3", "xception") else 64
        images = torch.rand(2, 3, side, side)
        network.train()(images)
        network.eval()
        state = network.state_dict()
        with torch.no_grad():
            logits = network(images)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            torch.save(state, folder / "zip.pth")
            torch.save({"state_dict": state}, folder / "legacy.pth", _use_new_zipfile_serialization=False)
            safetensors.torch.save_file(state, folder / "plain.safetensors")
            for form in ("zip.pth", "legacy.pth", "plain.safetensors"):
                out = folder / "out.safetensors"
                subprocess.run([through, folder / form, out], check=True, stdout=subprocess.DEVNULL)
                back = safetensors.torch.load_file(out)
                assert all(torch.equal(state[key], back[key]) for key in state), (name, form)
                for parameter in network.state_dict().values():
                    parameter.zero_()
                network.load_state_dict(back, strict=True)
                with torch.no_grad():
                    assert torch.equal(network(images), logits), (name, form)
        print(f"{name}: {len(state)} tensors equal to the bit in 3 forms, logits too")


main()
