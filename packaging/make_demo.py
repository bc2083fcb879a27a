"""Train the built-in demo network on scikit-learn's digits and write `resources/demo`.

Needs torch and scikit-learn (`pip install -e '.[demo-maker]'`); running the demo needs neither. With the
same versions of both on the same kind of processor, the same files come out.

    python packaging/make_demo.py [--out resources/demo] [--epochs 60]
"""

import argparse
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import torch
from digits_network import DigitsNetwork, folded_layers
from onnx_from_layers import build_onnx
from sklearn.datasets import load_digits
from torch import nn

_SEED = 7
_NUM_HELD_BACK = 597
_REQUIRED_ACCURACY = 0.97
# 0…16 in the source; the demo's samples are bytes like any other picture.
_SOURCE_MAXIMUM = 16
_FIXED_TIME = (2026, 1, 1, 0, 0, 0)

_SIDECAR = """\
# How a sample becomes the network's input: (pixel · scale − mean) / std.
scale: {scale:.17g}
mean: [0.0]
std: [1.0]
layout: nchw
metric: top1
"""


def load_samples() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """All 1,797 digits, shuffled with a fixed seed.

    Returns:
        Pixels 0…255, shape (1797, 8, 8, 1), and labels 0…9, shape (1797,).
    """
    source = load_digits()
    pixels = np.rint(source.images * (255 / _SOURCE_MAXIMUM)).astype(np.uint8)[..., None]
    order = np.random.default_rng(_SEED).permutation(len(pixels))
    return pixels[order], source.target.astype(np.int64)[order]


def to_tensor(pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Pixels of shape (N, 8, 8, 1) as the network takes them: (N, 1, 8, 8), 0…1."""
    return torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255))


def shifted(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The batch with each picture moved by up to one pixel each way, and a little noise."""
    padded = nn.functional.pad(batch, (1, 1, 1, 1))
    offsets = torch.randint(0, 3, (len(batch), 2), generator=generator).tolist()
    moved = torch.stack([picture[:, y : y + 8, x : x + 8] for picture, (y, x) in zip(padded, offsets, strict=True)])
    return moved + 0.05 * torch.randn(moved.shape, generator=generator)


def train(inputs: torch.Tensor, labels: torch.Tensor, *, epochs: int) -> DigitsNetwork:
    """A network trained on these samples: inputs (N, 1, 8, 8), labels (N,)."""
    torch.manual_seed(_SEED)
    generator = torch.Generator().manual_seed(_SEED)
    network = DigitsNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-2)
    batch_size = 64
    steps = epochs * -(-len(inputs) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, total_steps=steps)
    network.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs), generator=generator).split(batch_size):
            answer = network(shifted(inputs[rows], generator))
            loss = nn.functional.cross_entropy(answer, labels[rows], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return network.eval()


def accuracy_of(
    model: onnx.ModelProto, pixels: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], network: DigitsNetwork
) -> float:
    """Share of right answers by onnxruntime, after checking that the file computes what was trained."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = to_tensor(pixels)
    (answers,) = session.run(None, {session.get_inputs()[0].name: inputs.numpy()})
    with torch.no_grad():
        np.testing.assert_allclose(answers, network(inputs).numpy(), atol=1e-4)
    return float(np.mean(answers.argmax(axis=1) == labels))


def write_npz(path: Path, arrays: dict[str, npt.NDArray[np.generic]]) -> None:
    """An .npz whose bytes do not depend on the time of day."""
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            file = Path(folder) / f"{name}.npy"
            np.save(file, array)
            entry = zipfile.ZipInfo(file.name, _FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, file.read_bytes())


def main() -> None:
    """Train, check and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "resources" / "demo")
    parser.add_argument("--epochs", type=int, default=60)
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    pixels, labels = load_samples()
    seen, held_back = slice(_NUM_HELD_BACK, None), slice(0, _NUM_HELD_BACK)
    network = train(to_tensor(pixels[seen]), torch.from_numpy(labels[seen]), epochs=arguments.epochs)
    model = build_onnx(folded_layers(network), input_shape=("N", 1, 8, 8), output_shape=("N", 10))
    accuracy = accuracy_of(model, pixels[held_back], labels[held_back], network)
    num_params = sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)
    print(f"{num_params} parameters; {accuracy:.4f} right on {_NUM_HELD_BACK} samples never seen in training")
    if accuracy < _REQUIRED_ACCURACY:
        raise SystemExit(f"error: the demo needs at least {_REQUIRED_ACCURACY:.0%}; nothing was written")

    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "digits.onnx").write_bytes(model.SerializeToString())
    write_npz(arguments.out / "digits.npz", {"x": pixels[held_back], "y": labels[held_back].astype(np.uint8)})
    (arguments.out / "digits.data.yaml").write_text(_SIDECAR.format(scale=1 / 255), encoding="utf-8")


if __name__ == "__main__":
    main()
