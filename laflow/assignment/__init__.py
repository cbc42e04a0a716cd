"""The linearized assignment flow: labeling images, and learning to."""
