"""Networks: what is known of them, where they are, how a file is checked."""
