from pipeline.judge.finding import Finding


def find_count(rule, sides):
    return Finding(lacking="later", nothing=True)
