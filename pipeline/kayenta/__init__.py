"""Kayenta's judge, NetflixACAJudge-v1.0, reproduced number by number: `judge.judge`, `config.load_config`."""
