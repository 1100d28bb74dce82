"""Sources of packets: files, pipes and image sequences, and what is known of them before decoding."""
