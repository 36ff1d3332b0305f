"""Drawing: samples, smart weights, scores, splits, epochs."""
