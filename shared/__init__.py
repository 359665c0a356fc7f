"""The chassis: knows the log, the store and HTTP; knows no service."""
