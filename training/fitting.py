"""What fits share: log-sum-exp group by group, and finding the least of a smooth loss."""

from collections.abc import Callable

import torch


def log_sum_exp(
    values: torch.Tensor, group_of: torch.Tensor, groups: int, with_zero: bool = False
) -> torch.Tensor:
    """(groups,) log-sum-exp of the values of each group, one more value of 0 in each if `with_zero`.

    It is -inf, and without harm to gradients, where a group has nothing finite.
    """
    start = 0.0 if with_zero else -torch.inf
    largest = torch.full((groups,), start, dtype=values.dtype, device=values.device)
    largest = largest.scatter_reduce(0, group_of, values.detach(), "amax")
    shift = torch.where(largest.isfinite(), largest, 0.0)
    total = torch.exp(-shift) if with_zero else torch.zeros_like(shift)
    total = total.index_add(0, group_of, torch.exp(values - shift[group_of]))
    found = shift + torch.log(total.clamp_min(torch.finfo(total.dtype).tiny))
    return torch.where(total > 0, found, -torch.inf)


def minimise(
    weights: torch.Tensor,
    loss: Callable[[], torch.Tensor],
    *,
    max_iter: int = 500,
    tolerance_change: float = 1e-10,
) -> None:
    """Newton-like steps until nothing improves; the losses are smooth and have a handful of weights."""
    optimiser = torch.optim.LBFGS(
        [weights], max_iter=max_iter, tolerance_change=tolerance_change, line_search_fn="strong_wolfe"
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(closure)  # type: ignore[no-untyped-call]
