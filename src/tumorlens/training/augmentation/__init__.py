"""Augmentation of training images: transforms, lesion inpainting, lesion copy-paste."""
