"""Quality of samples: two language models are trained on samples of equal size; see README.md."""
