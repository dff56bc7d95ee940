"""A run for people and for other programs: a page to read, a summary for a pull request, and JUnit XML."""
