"""What is about PostgreSQL and not about VidWiz: pool, statements, migrations, the server."""
