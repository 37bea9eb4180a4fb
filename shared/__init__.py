"""The kernel every service shares: plumbing only, no business noun outside `contracts/`."""
