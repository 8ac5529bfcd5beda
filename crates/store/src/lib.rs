//! SQLite persistence, migrations, transactions; the only crate that speaks SQL to our own database.
