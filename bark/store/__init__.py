"""Models on this machine: which there are, whether they are whole, where they come from, and in what form."""
