"""Pairs of images as real video has them: moving pictures, reduced, degraded and encoded, beside what they were.

Needs NumPy and PyAV, no torch and no OpenCV: it runs where the training runs, in processes of its own.
"""
