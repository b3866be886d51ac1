"""Which activations are left in floating point: those whose outliers 8 bits cannot hold.

They come out of activation functions. Not all of them do harm, and what may stay at 8 bits is read faster: a third of
a layer's products are theirs. So those that do least harm alone stay, as many as can be borne together.
"""

from collections.abc import Callable, Collection
from typing import Any

from fundstelle.reader.light import quantisers, release

ACTIVATIONS = {"Gelu", "Relu", "Swish", "Tanh", "Mish", "HSwish"}
TOLERATED = 0.0025
"""Nats of divergence from float32 that can be borne. 0.0018 cost the bundle 0.1 F1 at most, 0.0093 cost it 0.2."""

Cost = Callable[[Any], float]
"""The divergence of quantised layers, in nats."""


def bearable(layers: Any, cost: Cost, tolerated: float = TOLERATED) -> set[str]:
    """Names of the quantisers behind activation functions that may stay: the least harmful.

    `layers` (an `openvino.Model`) have all of them. Runs `cost` once or twice where all or none can stay, else once
    for each and a few times more.
    """
    names = [node.get_friendly_name() for node in quantisers(layers) if behind_activation(node)]
    if cost(layers) <= tolerated:
        return set(names)
    if cost(released(layers)) > tolerated:
        return set()
    alone = {name: cost(released(layers, [name])) for name in names}
    order = sorted(names, key=alone.__getitem__)
    few, many = 0, len(order)  # few can be borne; all cannot
    while many - few > 1:
        middle = (few + many) // 2
        if cost(released(layers, order[:middle])) <= tolerated:
            few = middle
        else:
            many = middle
    return set(order[:few])


def released(layers: Any, kept: Collection[str] = ()) -> Any:
    """A copy that leaves what comes out of activation functions in floating point, but for the quantisers kept.

    The weights it meets stay at 8 bits.
    """
    copy = layers.clone()
    activated = [node for node in quantisers(copy) if behind_activation(node)]
    release([node for node in activated if node.get_friendly_name() not in kept])
    copy.validate_nodes_and_infer_types()
    return copy


def behind_activation(quantiser: Any) -> bool:
    """Whether it takes what an activation function gives, but for a factor to each channel."""
    source = quantiser.input_value(0).get_node()
    if source.get_type_name() == "Multiply":
        source = source.input_value(0).get_node()
    return source.get_type_name() in ACTIVATIONS
