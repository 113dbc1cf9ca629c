"""The report of an answer: what it says, and the same as PDF and as one HTML file."""
