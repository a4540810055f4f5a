"""bfloat16: layers compute in half the bytes; weights and loss stay float32."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp

from bench.ladder.jax import rung_06_wider as former

RUNG = replace(former.RUNG, dtype=jnp.bfloat16)
