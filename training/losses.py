"""What training makes smaller: the cost of wrong starts and ends, in each window and across a question's windows."""

import torch

from fundstelle.training.batches import TrainingBatch
from fundstelle.training.fitting import log_sum_exp


def window_losses(logits: torch.Tensor, places: torch.Tensor, allowed: torch.Tensor) -> torch.Tensor:
    """(windows,) cross-entropy of the right place among a window's `allowed` tokens, the null token among them.

    logits, allowed: (windows, L); places: (windows,) token indices.
    """
    return torch.nn.functional.cross_entropy(
        logits.masked_fill(~allowed, -torch.inf), places, reduction="none"
    )


def shared_losses(
    logits: torch.Tensor, places: torch.Tensor, batch: TrainingBatch
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy of a question's right places among the tokens of all its windows, and "none" among them.

    Each window's logits are taken relative to its null token's, which makes them comparable across passages and
    is how the reader's margins are made; "none" has the logit 0. Several windows may hold the answer. (Clark and
    Gardner, 2018, "Simple and Effective Multi-Paragraph Reading Comprehension", shared normalisation; the zero
    is ours, after SQuAD 2's null score.)

    Returns:
        (questions,) losses, and (questions,) how many windows each question has.
    """
    rows = torch.arange(len(logits), device=logits.device)
    margins = (logits - logits[rows, batch.null, None]).masked_fill(~batch.allowed, -torch.inf)
    margins[rows, batch.null] = -torch.inf  # "none" counts once a question, not once a window
    count = int(batch.group.max()) + 1
    answered = places != batch.null
    everything = log_sum_exp(margins.logsumexp(dim=1), batch.group, count, with_zero=True)
    right = torch.where(answered, margins[rows, torch.where(answered, places, 0)], -torch.inf)
    chosen = log_sum_exp(right, batch.group, count)
    windows = torch.zeros(count, device=logits.device).index_add(0, batch.group, torch.ones_like(right))
    return everything - torch.where(chosen.isfinite(), chosen, 0.0), windows


def taught_losses(
    logits: torch.Tensor, taught: torch.Tensor, allowed: torch.Tensor, temperature: float
) -> torch.Tensor:
    """(windows,) divergence of the model's distribution over a window's `allowed` tokens from its teacher's, in nats.

    Both are softened by `temperature`; the divergence counts its square times, so that its gradient stays as large as
    that of the other losses (Hinton et al., 2015, "Distilling the Knowledge in a Neural Network").

    logits, taught, allowed: (windows, L), the teacher's logits being `taught`.
    """
    own, wanted = (
        torch.log_softmax((one / temperature).masked_fill(~allowed, -torch.inf), dim=1)
        for one in (logits, taught)
    )
    difference = (wanted - own).masked_fill(~allowed, 0.0)  # minus infinity from itself is no number
    return temperature**2 * (wanted.exp() * difference).sum(1)


def distillation(
    student: tuple[torch.Tensor, torch.Tensor],
    teacher: tuple[torch.Tensor, torch.Tensor],
    batch: TrainingBatch,
    temperature: float,
) -> torch.Tensor:
    """The sum, over the batch's windows, of `taught_losses` of starts and ends, each counting half."""
    pairs = zip(student, teacher, strict=True)
    both = [taught_losses(own, taught, batch.allowed, temperature).sum() for own, taught in pairs]
    return torch.stack(both).sum() / 2


def loss(start: torch.Tensor, end: torch.Tensor, batch: TrainingBatch, shared: float) -> torch.Tensor:
    """The sum, over the batch's windows, of the loss; `shared` is the weight of the part across windows.

    start, end: (windows, L) logits, in float32. A question's shared loss counts as often as it has windows, so that
    the sum over batches does not depend on how an update was cut into them.
    """
    total = start.new_zeros(())
    for logits, places in ((start, batch.start), (end, batch.end)):
        total = total + (1 - shared) * window_losses(logits, places, batch.allowed).sum() / 2
        if shared:
            losses, windows = shared_losses(logits, places, batch)
            total = total + shared * (losses * windows).sum() / 2
    return total
