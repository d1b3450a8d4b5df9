"""The data hub, played: synthetic people of Anji County with their registers, sent as the data hub would send them."""
