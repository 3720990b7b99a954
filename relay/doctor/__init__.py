"""What `relay doctor` looks at: each module examines one thing and tells findings, each with a way to mend it."""
