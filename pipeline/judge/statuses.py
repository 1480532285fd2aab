from pipeline.judge.finding import Finding


def find_statuses(rule, sides):
    return Finding(lacking="later", nothing=True)
