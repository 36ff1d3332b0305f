"""Jobs under limits of the address space."""
