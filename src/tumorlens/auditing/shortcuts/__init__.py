"""Image records -> shortcuts: how well the class is predicted without anatomy, or from the nearest training image."""
