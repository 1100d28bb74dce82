"""Everything that opens a container or a codec, through PyAV."""
