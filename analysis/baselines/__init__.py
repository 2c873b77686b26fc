"""The kinds of baseline: each module fits one family and builds its design."""
