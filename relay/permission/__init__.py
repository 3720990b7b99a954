"""Permission kept: imports, opt-outs, evidence."""
