"""Fine-tuning, hard negatives, calibration, and packing of weights for the light reader."""
