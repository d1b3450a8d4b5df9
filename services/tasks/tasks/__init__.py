"""The list, the gate, the work meeting, the right to say no, and the assessment."""
