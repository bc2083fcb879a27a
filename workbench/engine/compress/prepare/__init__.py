"""The same function in a form that loses less when it is quantized."""
