"""What the verbs of a session answer: plain frozen values that may cross a pipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.engine.core.footprint import (
    BLOCKS_OPSET,
    FLOAT32,
    Containers,
    Encoding,
    FloatFormat,
    Headers,
    TableKey,
    TensorShape,
)
from workbench.engine.core.format import format_bytes
from workbench.engine.core.layer import ModelInfo
from workbench.engine.core.measurement import Figure
from workbench.engine.core.plan import Plan
from workbench.engine.core.recipe import RECOVER_NOTHING
from workbench.engine.core.storage_choice import Sizes, old_slice_sizes, settled_sizes


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a sample becomes a tensor: `(pixel · scale − mean) / std`, pixels 0…255.

    Args:
        resize: side of a square in pixels, (height, width), or None; bilinear, before `crop`.
        crop: side of a centred square in pixels, or None.
        mean, std: one number, or one per channel.
        channel_order: "rgb" or "bgr".
        layout: "nchw", "nhwc", or "raw" for features as they are.
        labels_offset: added to a label to give the output's index.
        metric: "top1", "top5", "psnr", "miou" or "agreement"; "" to choose by what the data has.
        guessed: names of the fields that nobody gave, so that they can be shown as guesses.
    """

    resize: int | tuple[int, int] | None = None
    crop: int | None = None
    scale: float = 1 / 255
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    channel_order: str = "rgb"
    layout: str = "nchw"
    labels_offset: int = 0
    metric: str = ""
    guessed: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width that `resize` gives; None without it."""
        return (self.resize, self.resize) if isinstance(self.resize, int) else self.resize

    @property
    def guesses(self) -> dict[str, object]:
        """The settings that nobody gave, by name."""
        return {name: getattr(self, name) for name in self.guessed}


@dataclass(frozen=True, slots=True)
class DataInfo:
    """A data set seen from outside.

    Args:
        sample_shape: of one stored sample, such as (32, 32, 3).
        num_classes: distinct labels; 0 without labels.
        digest: of the samples' source and the preprocessing: what a measurement is keyed by.
        unused: names of arrays beside the samples that feed no input of the model.
        conversion: what becomes of colours, in words; empty where they stay as they are.
    """

    path: str
    num_samples: int
    has_labels: bool
    num_classes: int
    sample_shape: tuple[int, ...]
    preprocessing: Preprocessing
    digest: str
    unused: tuple[str, ...] = ()
    conversion: str = ""


@dataclass(frozen=True, slots=True)
class LayerFootprint:
    """What the size preview needs of one layer.

    Args:
        number: of the layer in the model.
        original_bytes: what goes away when the layer's weight is replaced; 0 where the tensor stays
            in the file because something else reads it.
        raised_bytes: the same where the model is raised to opset `BLOCKS_OPSET` first, which writes all of it anew.
        headers: bytes of headers by encoding and settings.
        fixed_bytes: what the layer's replacement takes in any encoding.
        num_channels: scales per channel.
        num_rows, row_length: rows of weights that are summed into one output, and how long they are;
            scales per group are computed from them.
        stored_floats: how its floats are stored as they are.
        read_floats: how they are stored where they change, in the element type that the layer reads.
    """

    layer: str
    number: int
    original_bytes: int
    headers: Headers = field(hash=False)
    fixed_bytes: int
    num_channels: int
    num_rows: int
    row_length: int
    stored_floats: FloatFormat = FLOAT32
    read_floats: FloatFormat = FLOAT32
    raised_bytes: int | None = None

    def settled_sizes(
        self, tensor: TensorShape, *, containers: Containers = Containers.ANY, as_codes: bool = False
    ) -> Sizes:
        """What the layer's weight takes by storage, without shared tables and without the values behind masks."""
        num_digits = len(str(self.number))
        return self.fixed_bytes + settled_sizes(
            self.headers, num_digits, tensor, containers=containers, as_codes=as_codes
        )

    def replaced_bytes(self, opset: int) -> int:
        """What goes away when the layer's weight is replaced in a file of which encodings need this opset."""
        if opset < BLOCKS_OPSET or self.raised_bytes is None:
            return self.original_bytes
        return self.raised_bytes

    def old_slice_sizes(self, tensor: TensorShape) -> Sizes:
        """How many bytes less the storages take up to opset `BEFORE_SLICE_INPUTS`."""
        return old_slice_sizes(self.headers, len(str(self.number)), tensor)


@dataclass(frozen=True, slots=True)
class ModelFootprint:
    """What the size preview needs of a model.

    Args:
        file_bytes: what writing the model without any change gives.
        rewritten_bytes: the same without what compressing any layer drops, by the opset that the encodings
            need; the base of all other sizes.
        shared_overhead: bytes of the look-up tables that the first layer that needs them adds.
        opset: of the model as it is.
        largest_opset: that it has or can be raised to, as far as any encoding needs it.
    """

    file_bytes: int
    rewritten_bytes: Mapping[int, int] = field(hash=False)
    layers: tuple[LayerFootprint, ...]
    shared_overhead: Mapping[TableKey, int] = field(hash=False)
    opset: int = 13
    largest_opset: int = 21


@dataclass(frozen=True, slots=True)
class OpenedBench:
    """What lies on the bench after a model was opened with all that belongs to it.

    Args:
        data: None where no samples were asked for, or they were refused.
        data_refusal, recipe_refusal: why samples or recipe cannot be used with the model; else empty.
        calibration: None where no samples of their own set ranges, or they were refused.
        calibration_refusal: why they cannot be used; else empty.
    """

    model: ModelInfo
    footprint: ModelFootprint
    data: DataInfo | None
    data_refusal: str = ""
    recipe_refusal: str = ""
    calibration: DataInfo | None = None
    calibration_refusal: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LayerPreview:
    """What the current settings do to one layer's weights; everything measured on the weights themselves.

    Args:
        threshold: |w| below it become zero; 0 for no pruning.
        sparsity: fraction of zeros after pruning and quantization.
        pruned: fraction that pruning zeroed.
        clip_low, clip_high: range that quantization keeps, widest over the channels; None for float.
        channel_clip_low, channel_clip_high: the same per output channel, shape (C,); None for float.
        clipped: fraction of weights outside their range.
        sqnr_db: 10·log10(Σw² / Σ(w−ŵ)²); infinite where nothing changed.
        size_bytes: on disk, with headers.
        encoding: how it will be written.
    """

    layer: str
    recipe_digest: str
    threshold: float
    sparsity: float
    pruned: float
    clip_low: float | None
    clip_high: float | None
    channel_clip_low: npt.NDArray[np.float32] | None
    channel_clip_high: npt.NDArray[np.float32] | None
    clipped: float
    sqnr_db: float
    size_bytes: int
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class ChangedSample:
    """A sample on which two models disagree. `label` is -1 without labels."""

    sample: int
    name: str
    label: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """How good a model is on samples, so far or finally.

    Args:
        metric: "top1", "top5", "psnr" or "agreement".
        figure: the metric with its 95 % interval.
        done, total: samples evaluated so far, and wanted.
        seconds: spent running the model, without reading samples.
        reference: the original's figure on the very same samples; None without a comparison.
        difference: this minus the original, paired on the same samples; None without a comparison.
        agreement: share of samples with the same answer as the original.
        kl_divergence: mean over samples, in nats; None where outputs are no classes.
        model_digest, dataset_digest: of the original and the samples that it holds for; "" where nobody said.
        num_nan: samples whose answer holds NaN, which the metric takes for an answer like any other.
        found_agreement: where outputs are of many positions and one class, the background, has most of them: share of
            the others, where the original finds something, with the same class.
        background: that class.
    """

    metric: str
    figure: Figure
    done: int
    total: int
    seconds: float
    recipe_digest: str = ""
    reference: Figure | None = None
    difference: Figure | None = None
    agreement: Figure | None = None
    kl_divergence: Figure | None = None
    changed: tuple[ChangedSample, ...] = ()
    model_digest: str = ""
    dataset_digest: str = ""
    num_nan: int = 0
    found_agreement: Figure | None = None
    background: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether every sample that was wanted has been evaluated."""
        return self.done >= self.total


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """Time of one inference at batch 1 on this computer, in milliseconds; p50 and p90 over `p50.n` runs.

    Args:
        device: the processor's name.
        niceness: of the process that measured; above 0, other programs went first and the times may be too long.
        model_digest: of the original that it holds for; "" where nobody said.
        original: p50 of the original, timed by turns with this; None where this is the original.
        ratio: this time as a fraction of the original's, by rounds that followed each other; None as above.
    """

    p50: Figure
    p90: Figure
    device: str
    recipe_digest: str = ""
    niceness: int = 0
    model_digest: str = ""
    original: Figure | None = None
    ratio: Figure | None = None

    @property
    def note(self) -> str:
        """What a reader must know of the figures; empty if nothing."""
        return f"measured at niceness {self.niceness}: may be too long" if self.niceness > 0 else ""


@dataclass(frozen=True, slots=True)
class Verification:
    """A written file, opened in a fresh process, against the preview on the same samples.

    Args:
        samples: how many were compared.
        agreement: share of samples with the same answer, 0…1.
        first_difference: name of the first layer whose output differs; empty if none does.
        is_random: there were no samples, so that random inputs were compared.
        num_nan: of how many the file's outputs hold NaN.
    """

    samples: int
    max_abs_difference: float
    agreement: float
    ok: bool
    first_difference: str = ""
    is_random: bool = False
    num_nan: int = 0

    @property
    def counted(self) -> str:
        """What was compared, and how many of them.

        >>> Verification(8, 0.0, 1.0, ok=True, is_random=True).counted
        '8 random inputs'
        """
        return f"{self.samples:,} {'random inputs' if self.is_random else 'samples'}"


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """One column of a before/after table.

    Args:
        sparsity: fraction of zeros among the weights; None where the weights cannot be read.
        accuracy: by the metric of the report; None where nothing was evaluated, and of an original that the metric
            compares with.
    """

    file_bytes: int
    num_params: int
    macs: int | None
    sparsity: float | None
    accuracy: Figure | None = None


@dataclass(frozen=True, slots=True)
class ChannelProof:
    """The model without some channels against the whole one with those channels at zero, both in float.

    Args:
        samples: how many were compared.
        max_relative_difference: of any output, over the largest magnitude of that output.
        is_random: there were no samples, so that random inputs were compared.
    """

    samples: int
    max_relative_difference: float
    ok: bool
    is_random: bool = False


@dataclass(frozen=True, slots=True)
class ApplyReport:
    """What compressing, writing and verifying gave.

    Args:
        difference: paired, on the same samples; None for agreement, which is a comparison already.
        output_path: where the file is, or would be if it were what was previewed.
        output_sha256: of the written file; "" where it was not what was previewed, and so is not there.
        metric: what the accuracies are figures of; "" where nothing was evaluated.
        data: the samples; None without.
        channels: the proof of what was cut, before anything was fitted to recover; None where no channels went.
        shares: what is left of each layer's weights where channels went; of those that are not named, all.
        found_agreement: as of the evaluation; None where nothing of the kind was measured.
    """

    plan: Plan
    before: ModelSummary
    after: ModelSummary
    preview_bytes: int
    preview_accuracy: Figure | None
    difference: Figure | None
    verified: Verification
    output_path: Path
    output_sha256: str
    metric: str = ""
    data: DataInfo | None = None
    channels: ChannelProof | None = None
    shares: Mapping[str, float] = field(default_factory=dict, hash=False)
    found_agreement: Figure | None = None

    @property
    def is_recovered(self) -> bool:
        """Whether layers were fitted after channels went, which the proof of what was cut does not look at."""
        return any(group.recover != RECOVER_NOTHING for group in self.plan.groups)

    @property
    def is_written(self) -> bool:
        """Whether the file has its place: only one that is what was previewed gets it."""
        return self.verified.ok


@dataclass(frozen=True, slots=True)
class FormatReport:
    """What writing a model for another runtime gave. That runtime alone can say whether the file answers the same."""

    format: str
    plan: Plan
    output_path: Path
    file_bytes: int
    output_sha256: str
    original_bytes: int = 0

    @property
    def growth(self) -> str:
        """That the format makes the file larger than the original, whatever the plan says of ONNX; empty if not."""
        if not 0 < self.original_bytes < self.file_bytes:
            return ""
        sizes = f"{format_bytes(self.file_bytes)} instead of {format_bytes(self.original_bytes)}"
        return f"in this format it takes more bytes than the original, {sizes}"
