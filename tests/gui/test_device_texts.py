from dataclasses import replace
from pathlib import Path

from tests.gui.latency_values import PHONE, profile_of
from workbench.engine.core.device_fit import DeviceFit, FittedTime
from workbench.engine.core.device_profile import Backend, Basis
from workbench.gui.device_texts import device_groups, fit_text, matching, source_text

ONE_THREAD = profile_of("a/ncnn/cpu-1t", "Beta", threads=1)
FOUR_THREADS = profile_of("b/ncnn/cpu-4t", "alpha")
GPU = profile_of("c/ncnn/gpu", "Gamma", Backend.GPU, threads=0)
NPU = profile_of("d/tflite/npu", "Delta", Backend.NPU, threads=0, precision="int8")
OWN = profile_of("mine", "Zeta", basis=Basis.OWN_MEASUREMENT, num_own=2)


def test_own_devices_come_first_then_cpus_by_threads_gpus_and_npus():
    groups = device_groups((NPU, GPU, FOUR_THREADS, ONE_THREAD, OWN))

    assert [group.title for group in groups] == ["Your devices", "CPU, 1 thread", "CPU, 4 threads", "GPU", "NPU"]
    assert [entry.id for group in groups for entry in group.entries] == [
        "mine", "a/ncnn/cpu-1t", "b/ncnn/cpu-4t", "c/ncnn/gpu", "d/tflite/npu",
    ]  # fmt: skip


def test_a_group_is_sorted_by_name():
    other = profile_of("x/ncnn/cpu-4t", "Aardvark")

    (group,) = device_groups((FOUR_THREADS, other))

    assert [entry.text.split("  ·  ")[0] for entry in group.entries] == ["Aardvark", "alpha"]


def test_devices_are_found_by_chip_runtime_and_target_in_any_order():
    groups = device_groups((NPU, GPU, FOUR_THREADS, replace(ONE_THREAD, soc="Kirin 970")))

    def found(text: str) -> list[str]:
        return [entry.id for group in matching(groups, text) for entry in group.entries]

    assert found("kirin") == ["a/ncnn/cpu-1t"]
    assert found("4 THREADS alpha") == ["b/ncnn/cpu-4t"]
    assert found("npu") == ["d/tflite/npu"]
    assert found("nothing like it") == []
    assert len(found("")) == 4


def test_the_source_names_measurements_and_the_error_of_networks_left_out():
    text = source_text(FOUR_THREADS)

    assert "from 28 published measurements: github:Tencent/ncnn benchmark/README.md" in text
    assert "cross-validated error on kinds of networks left out: float 12.3 % (median, n = 28)" in text


def test_the_source_of_an_own_device_is_its_measurements():
    assert "fitted to 2 measurements of your own" in source_text(OWN)


def test_devices_that_would_read_alike_are_told_apart_by_whose_they_are_and_their_id():
    own = replace(profile_of("mine", basis=Basis.OWN_MEASUREMENT, num_own=1))
    other = replace(own, id="mine-2")

    groups = device_groups((own, other, profile_of()))

    entries = [entry for group in groups for entry in group.entries]
    assert [entry.short.rpartition("  ·  ")[2] for entry in entries] == ["yours, mine", "yours, mine-2", PHONE]
    assert len({entry.text for entry in entries}) == 3


def test_a_device_that_nothing_reads_like_needs_no_id():
    (group,) = device_groups((profile_of(),))

    assert PHONE not in group.entries[0].short


def test_a_fit_says_how_far_off_each_is_by_the_others():
    one, other = (FittedTime(Path("net.onnx"), 10.0, before, 10.1, then) for before, then in ((14, 11), (8, 9)))

    said = fit_text(DeviceFit(OWN, (one, other)))

    # 40 and 20 % before, 10 and 10 % by the others.
    assert (
        said == "fitted to 2 measurements: off by 30 % before, by 10 % where each is told from the others, on average"
    )
