"""The experiment: plan, deploy, load, measure, judge, promote or roll back."""
