"""The subsidy service: seventy programmes, one click, every fen accounted for."""
