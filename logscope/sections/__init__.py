"""The sections of the weekly report, one module each, in the order of a reader's questions."""
