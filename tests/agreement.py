"""How taught code is compared with PyTorch's: values, and the gradients of all that went in."""

import torch


def equal(ours, theirs, atol=1e-10):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=atol)


def all_equal(ours, theirs, atol=1e-10):
    for one, other in zip(ours, theirs, strict=True):
        equal(one, other, atol)


def derivatives(outputs, leaves):
    """The gradients of a fixed random weighing of all entries of the outputs."""
    generator = torch.Generator().manual_seed(5)
    J = sum((output * torch.randn(output.shape, generator=generator)).sum() for output in outputs)
    return torch.autograd.grad(J, leaves)


def leaves_of(*shapes):
    return [torch.randn(shape).requires_grad_() for shape in shapes]
