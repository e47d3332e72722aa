"""`odzew bench search`: ours beside other search systems, over the same made-up vectors, interleaved in one run."""
