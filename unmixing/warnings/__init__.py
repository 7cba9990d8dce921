"""Why an answer may be wrong: one module per stage, from what was measured to warnings; ``table`` has all."""
