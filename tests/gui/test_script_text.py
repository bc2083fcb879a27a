import json
import subprocess

from workbench.engine.core.recipe import Recipe, WeightRule
from workbench.gui.script_text import as_command, as_python


def test_the_command_writes_the_recipe_that_is_on_the_bench(tmp_path):
    recipe = Recipe().with_rule("it's", weights=WeightRule(bits=4))

    first, second = as_command("/m/net one.onnx", "/d/x.npz", recipe).splitlines()
    subprocess.run(["sh", "-c", first], cwd=tmp_path, check=True)

    assert json.loads((tmp_path / "recipe.yaml").read_text()) == recipe.to_json()
    assert second == (
        "workbench apply '/m/net one.onnx' --recipe recipe.yaml -o '/m/net one.compressed.onnx' --data /d/x.npz"
    )


def test_the_script_is_python():
    text = as_python("/m/net.onnx", "/d/x.npz", Recipe().with_rule("a", weights=WeightRule(bits=4)))

    compile(text, "script", "exec")
    assert "net.compressed.onnx" in text
