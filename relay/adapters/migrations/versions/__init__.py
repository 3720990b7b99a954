"""One module per change, `NNNN_what.py`."""
