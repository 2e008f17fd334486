"""Two runs -> the paired differences between them, with their intervals."""
