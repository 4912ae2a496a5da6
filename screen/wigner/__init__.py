"""The Wigner transport equation in the relaxation-time approximation, on CPU and GPU.

``engine.run_engine`` runs all steps; ``docs/wigner.md`` derives them.
"""
