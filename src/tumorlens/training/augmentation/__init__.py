"""Random changes to training images, and lesions that are moved or removed."""
