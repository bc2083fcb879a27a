"""Text and files that outlive the program: recipes and projects."""
