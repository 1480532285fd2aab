"""What several test files share: servers, samples, stages. Fixtures are in the conftest.py files."""
