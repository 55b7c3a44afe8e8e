"""What travels and what is agreed: pure values, no I/O, no clock, no third-party package."""
