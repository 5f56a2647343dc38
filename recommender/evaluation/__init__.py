"""Evaluation: the models measured on ratings they have not seen, and settings chosen by it.

`holdout` splits, `contenders` and `baselines` are what is compared, `metrics` the figures,
`judging` the protocol, `report` what people read, and `tuning` searches on a validation part.
"""
