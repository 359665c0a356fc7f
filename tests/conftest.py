"""Fixtures that every suite may use."""

pytest_plugins = ["tests.support.fixtures_kafka", "tests.support.fixtures_mongo", "tests.support.fixtures_city"]
