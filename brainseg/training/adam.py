"""fastai's Adam with decoupled weight decay, computed for all parameters in one call of torch's fused kernel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

import torch
from torch.optim.adamw import adamw

State = MutableMapping[str, Any]
"""What the optimiser keeps of one parameter: `grad_avg`, `sqr_avg` (tensors like the parameter), `step` (int), and
`do_wd`, whether its weights decay (default: yes)."""


@torch.no_grad()
def adam_step(entries: Iterable[tuple[torch.Tensor, State]], rates: Mapping[str, float]) -> None:
    """Update parameters and their state in place, by the rule of fastai's `Adam` with `decouple_wd=True`.

    This is AdamW (Loshchilov and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2) with the present
    momentum in the correction of both averages.

    Args:
        entries: Parameters that have a gradient, each with its state, which is filled at the first step.
        rates: `lr`, `mom` and `sqr_mom` (decay rates of the averages of gradients and of their squares), `eps`, `wd`.
    """
    alike: dict[tuple[int, bool, torch.device], list[tuple[torch.Tensor, State]]] = defaultdict(list)
    for parameter, state in entries:
        alike[state.get("step", 0), state.get("do_wd", True), parameter.device].append((parameter, state))
    for (step, decays, device), group in alike.items():
        parameters = [parameter for parameter, _ in group]
        adamw(
            parameters,
            [_laid_out_like(parameter, parameter.grad) for parameter in parameters],
            [_kept(parameter, state, "grad_avg") for parameter, state in group],
            [_kept(parameter, state, "sqr_avg") for parameter, state in group],
            [],
            [torch.tensor(float(step), device=device) for _ in group],
            fused=True,
            amsgrad=False,
            beta1=rates["mom"],
            beta2=rates["sqr_mom"],
            lr=rates["lr"],
            weight_decay=rates["wd"] if decays else 0.0,
            eps=rates["eps"],
            maximize=False,
        )
        for _, state in group:
            state["step"] = step + 1


def _kept(parameter: torch.Tensor, state: State, name: str) -> torch.Tensor:
    value = state.get(name)
    state[name] = torch.zeros_like(parameter) if value is None else _laid_out_like(parameter, value)
    kept: torch.Tensor = state[name]
    return kept


def _laid_out_like(parameter: torch.Tensor, value: torch.Tensor | None) -> torch.Tensor:
    """Return a value in the memory layout of its parameter: the fused kernel pairs numbers by their place in memory.

    The layouts differ for an average from a checkpoint, whose files know only one layout.
    """
    if value is None:
        raise ValueError("A parameter without a gradient cannot be updated.")
    if value.stride() == parameter.stride() or (parameter.is_contiguous() and value.is_contiguous()):
        return value
    return torch.empty_like(parameter).copy_(value)
