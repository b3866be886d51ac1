"""The loss, held against what its definition says."""

import pytest
import torch

from fundstelle.training.batches import TrainingBatch
from fundstelle.training.losses import distillation, loss, shared_losses, taught_losses, window_losses


def _batch(start: list[int], group: list[int], length: int = 5) -> TrainingBatch:
    """Windows whose null token is 0 and whose token 1 belongs to the question."""
    allowed = torch.ones(len(start), length, dtype=torch.bool)
    allowed[:, 1] = False
    places = torch.tensor(start)
    ids = torch.zeros(len(start), length, dtype=torch.long)
    null = torch.zeros(len(start), dtype=torch.long)
    return TrainingBatch(ids, torch.ones_like(ids), None, allowed, places, places, null, torch.tensor(group))


def test_a_window_alone_is_a_softmax_over_what_is_allowed() -> None:
    """Tokens of the question count for nothing."""
    batch = _batch([2], [0])
    logits = torch.tensor([[0.0, 50.0, 1.0, 0.5, -1.0]])
    expected = -torch.log_softmax(logits[0, [0, 2, 3, 4]], 0)[1]
    assert window_losses(logits, batch.start, batch.allowed).item() == pytest.approx(expected.item())


def test_the_shared_part_is_one_softmax_over_all_windows_of_a_question() -> None:
    """Margins over each window's null token, and one zero for "none", whatever each window's level is."""
    batch = _batch([2, 0, 0], [0, 0, 1])
    logits = torch.randn(3, 5)
    margins = logits - logits[:, :1]
    first = torch.cat((torch.zeros(1), margins[0, 2:], margins[1, 2:]))
    second = torch.cat((torch.zeros(1), margins[2, 2:]))
    expected = [-torch.log_softmax(first, 0)[1].item(), -torch.log_softmax(second, 0)[0].item()]
    losses, windows = shared_losses(logits, batch.start, batch)
    assert losses.tolist() == pytest.approx(expected)
    assert windows.tolist() == [2, 1]
    shifted, _ = shared_losses(logits + torch.tensor([[3.0], [-2.0], [7.0]]), batch.start, batch)
    assert shifted.tolist() == pytest.approx(expected, abs=1e-5)


def test_nothing_is_learnt_from_a_teacher_that_says_the_same() -> None:
    """No loss and no gradient, whatever level the teacher's logits are at and says of tokens that are not allowed."""
    batch = _batch([2, 0], [0, 0])
    own = torch.randn(2, 5, requires_grad=True)
    taught = own.detach() + torch.tensor([[0.0, 9.0, 0.0, 0.0, 0.0]]) + 3
    cost = distillation((own, own), (taught, taught), batch, 2.0)
    cost.backward()
    assert cost.item() == pytest.approx(0, abs=1e-6)
    assert own.grad is not None
    assert own.grad.abs().max() < 1e-6


def test_a_teachers_lesson_is_a_divergence_at_its_temperature() -> None:
    """In nats, times the square of the temperature, over the allowed tokens alone."""
    batch = _batch([2], [0])
    own, taught = torch.tensor([[0.0, 5.0, 1.0, 2.0, 0.0]]), torch.tensor([[1.0, 0.0, 4.0, 0.0, -2.0]])
    p, q = (torch.softmax(one[0, [0, 2, 3, 4]] / 3, 0) for one in (taught, own))
    expected = 9 * (p * (p / q).log()).sum()
    assert taught_losses(own, taught, batch.allowed, 3.0).item() == pytest.approx(expected.item(), rel=1e-5)


def test_gradients_are_numbers_where_nothing_answers() -> None:
    """A question without an answer in any window gives no NaN."""
    batch = _batch([0, 0], [0, 0])
    logits = torch.randn(2, 5, requires_grad=True)
    loss(logits, logits, batch, 0.5).backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


def test_the_sum_does_not_depend_on_how_windows_are_batched() -> None:
    """Questions apart and together cost the same."""
    logits = torch.randn(3, 5)
    together = loss(logits, logits, _batch([2, 0, 3], [0, 0, 1]), 0.5)
    apart = loss(logits[:2], logits[:2], _batch([2, 0], [0, 0]), 0.5)
    apart = apart + loss(logits[2:], logits[2:], _batch([3], [0]), 0.5)
    assert together.item() == pytest.approx(apart.item(), rel=1e-5)
