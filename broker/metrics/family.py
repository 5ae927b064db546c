"""Metric families of plain numbers, as Prometheus wants them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from actors.histogram import Histogram


def counter(name: str, about: str, value: float) -> CounterMetricFamily:
    """Something that only grows; its name gets ``_total`` behind it."""
    return CounterMetricFamily(name, about, value=value)


def gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    """Something as it is now."""
    return GaugeMetricFamily(name, about, value=value)


def counters(
    name: str, about: str, label: str, values: Mapping[str, float]
) -> CounterMetricFamily:
    """One for each value of a label."""
    family = CounterMetricFamily(name, about, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def gauges(
    name: str, about: str, label: str, values: Mapping[str, float]
) -> GaugeMetricFamily:
    """One for each value of a label."""
    family = GaugeMetricFamily(name, about, labels=[label])
    for each, value in values.items():
        family.add_metric([each], value)
    return family


def histogram(name: str, about: str, values: Histogram) -> HistogramMetricFamily:
    """How long something took."""
    return HistogramMetricFamily(
        name, about, buckets=_buckets(values), sum_value=values.total
    )


def histograms(
    name: str, about: str, label: str, values: Mapping[str, Histogram]
) -> HistogramMetricFamily:
    """One for each value of a label."""
    family = HistogramMetricFamily(name, about, labels=[label])
    for each, histogram_of_it in values.items():
        buckets = _buckets(histogram_of_it)
        family.add_metric([each], buckets, histogram_of_it.total)
    return family


def _buckets(values: Histogram) -> list[tuple[str, float]]:
    return [
        ("+Inf" if math.isinf(bound) else str(bound), count)
        for bound, count in values.cumulative()
    ]
