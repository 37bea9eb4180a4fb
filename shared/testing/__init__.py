"""What tests of every service share: signed callers and a look at what was published. Never imported at run time."""
