"""What is fitted anew after channels went, so that the layers that read them answer as before; nothing is trained."""
