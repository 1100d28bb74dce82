"""Light in cd/m2: what HDR's code values mean, pictures made of it, and measures that eyes would agree with."""
