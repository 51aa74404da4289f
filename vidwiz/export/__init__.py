"""What people take away with them: their notes as Markdown, their data as an archive."""
