"""Proofreading: is a result all of its source, in order, in time, in colour?"""
