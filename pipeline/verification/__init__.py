"""Verification: is an output complete, in order, at the right times, in the right colours, with every stream?"""
