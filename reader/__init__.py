"""Question and passages to spans: windows, batches, model, spans, confidence; the bundled weights."""
