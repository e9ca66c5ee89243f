"""All figures and tables by name."""

from __future__ import annotations

from docs.figures import (
    audits,
    brought,
    costs,
    detection,
    engine,
    health,
    images,
    pretrained,
    reach,
    regression,
    sampled,
    steering,
    texts,
)
from docs.figures.markers import Registry

MODULES = (
    *(detection, sampled, audits, engine, images, pretrained, costs, steering, texts),
    *(regression, health, brought, reach),
)

REGISTRY = Registry(
    figures={name: figure for module in MODULES for name, figure in module.FIGURES.items()},
    tables={name: figure for module in MODULES for name, figure in module.TABLES.items()},
)
