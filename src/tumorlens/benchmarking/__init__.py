"""Names of networks -> what they cost: size, speed by backend, latency, memory."""
