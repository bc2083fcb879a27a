"""The parts of the window: each watches the document and turns wishes into one `document.edit`."""
