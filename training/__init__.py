"""Fine-tuning of readers, hard negatives, calibration, and packing of weights for the light reader."""
