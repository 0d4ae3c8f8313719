"""Optimization planning for 3D ConvNets: choose how a video network is trained by search."""

__version__ = "0.1.0"
