"""What opens a container, or a pipe, or pictures, and reads packets from it."""
