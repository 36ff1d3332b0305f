"""Training: cached rows, map-style datasets, samplers that resume."""
