"""What runs leave: records, models, predictions and evidence, in one folder."""
