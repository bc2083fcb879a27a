"""Texts in the form that the tools print."""

import pytest

from workbench.engine.core.errors import DataError
from workbench.engine.latency.imports import read_times

BENCHMARK_MODEL = """INFO: Graph: [mobilenet_v2.tflite]
INFO: Running benchmark for at least 1 iterations
INFO: count=1 curr=40000 min=40000 max=40000 avg=40000 std=0
INFO: Running benchmark for at least 50 iterations
INFO: count=50 first=31200 curr=31000 min=30500 max=33000 avg=31234.5 std=210
INFO: Inference timings in us: Init: 5000, First inference: 40000, Warmup (avg): 40000, Inference (avg): 31234.5
"""
PERF_TEST = """Session creation time cost: 0.1 s
Total inference time cost: 1.25 s
Total inference requests: 100
Average inference time cost: 12.5 ms
Min Latency: 0.0121 s
Max Latency: 0.0140 s
"""
NCNN = """loop_count = 8
num_threads = 4
          squeezenet  min =    4.10  max =    4.30  avg =    4.20
        mobilenet_v2  min =    5.10  max =    5.30  avg =    5.18
"""
AI_HUB = '{"execution_summary": {"estimated_inference_time": 1470, "all_inference_times": [1470, 1500, 1600]}}'


def test_benchmark_model_gives_the_average_after_warming_up():
    (time,) = read_times(BENCHMARK_MODEL)

    assert (time.tool, time.ms, time.n) == ("benchmark_model", 31.2345, 50)
    assert (time.min_ms, time.max_ms, time.network) == (30.5, 33.0, "mobilenet_v2.tflite")


def test_onnxruntime_perf_test_gives_the_average_of_the_requests():
    (time,) = read_times(PERF_TEST)

    assert (time.ms, time.n) == (12.5, 100)
    assert (time.min_ms, time.max_ms) == pytest.approx((12.1, 14.0))


def test_benchncnn_gives_a_time_for_each_network():
    times = read_times(NCNN)

    assert [(time.network, time.ms, time.n) for time in times] == [("squeezenet", 4.2, 8), ("mobilenet_v2", 5.18, 8)]


def test_an_ai_hub_profile_gives_its_estimate_in_ms():
    (time,) = read_times(AI_HUB)

    assert (time.ms, time.n, time.min_ms) == (1.47, 3, 1.47)


@pytest.mark.parametrize("text", ["", "hello", "{}", '{"execution_summary": 3}'], ids=["empty", "words", "json", "odd"])
def test_another_text_is_refused(text: str):
    with pytest.raises(DataError, match="no time found"):
        read_times(text)


def test_the_model_of_onnxruntime_perf_test_is_that_of_the_command_that_was_pasted_with_it():
    (time,) = read_times(f"$ ./onnxruntime_perf_test -r 100 -e cpu models/net_v2.onnx out.txt\n{PERF_TEST}")

    assert time.network == "models/net_v2.onnx"


def test_a_name_beside_an_ai_hub_profile_is_the_networks():
    (time,) = read_times('{"model_name": "net", "execution_summary": {"estimated_inference_time": 1470}}')

    assert time.network == "net"
