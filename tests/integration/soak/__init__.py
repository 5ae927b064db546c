"""A house full of scripted guests, and a model of what its rules make of them."""
