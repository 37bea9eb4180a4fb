"""The one public door: authenticate, authorise, sign, forward."""
