"""The signage service: who may hang a sign, which signs, and which come down."""
