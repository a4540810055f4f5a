"""The harness: plans experiments, runs each in a process of its own, measures, reports.

Imports nothing here, so that ``import bench`` costs nothing.
"""
