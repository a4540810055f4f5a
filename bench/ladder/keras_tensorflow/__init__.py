"""The ladder in Keras on TensorFlow: ``loop`` has the loop, every other file is a rung."""
