"""Reading a pack folder: everything is checked, and every mistake is reported at once with its file and line."""
