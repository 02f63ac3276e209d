"""The pure core: bytes in, records out. No broker, disk, event loop or clock."""
