"""∫|Ω|² and κ where no closed form is known, with a learned metric as the control variate.

Every metric of the class has ∫ det g = d/n! exactly. The closer g is to Ricci-flat, the closer det g is to a multiple
of |Ω|², so the error that a sample makes in ∫ det g, which is known, tells the one that it makes in ∫|Ω|². Learning
does not need this κ: since the mean of det g/|Ω|² is the same for all g of the class, the loss E (det g/κ|Ω|² - 1)² has
one minimum for all κ. Judging by σ does.
"""

import numpy as np

from laflow.metric.geometry.estimates import Estimate, estimated_mean
from laflow.metric.geometry.sampling import PointSample
from laflow.metric.geometry.volume import kappa_of_volume
from laflow.metric.model.phi_model import PhiModel
from laflow.metric.quality.measures import determinants

# A spread of sums over lines that is rounding: the metric is Fubini–Study's, and det g tells nothing.
ROUNDING = 1e-20


def controlled_volume(model: PhiModel, sample: PointSample) -> Estimate:
    """∫|Ω|² d^(2n)x as the mean of w - β (ρ - 1) with ρ = det g/det g_FS, whose mean is 1.

    β is the regression coefficient of w on ρ over lines, which leaves the variance (1 - corr²) of that of w; a bias of
    order 1/lines comes with it (Glasserman, Monte Carlo Methods in Financial Engineering, 2003, §4.1). `sample` should
    be points that the model was not trained on.
    """
    share = determinants(model.metric(sample)) / sample.fubini_study_determinant
    _, cluster = np.unique(sample.line, return_inverse=True)
    count = np.bincount(cluster)
    # What one line adds to the sums, beyond its number of points times their means.
    weights, shares = (
        np.bincount(cluster, weights=values) - count * values.mean() for values in (sample.weights, share)
    )
    spread = float(shares @ shares)
    slope = float(weights @ shares) / spread if spread > ROUNDING * len(sample) else 0.0
    return estimated_mean(sample.weights - slope * (share - 1.0), sample.line)


def controlled_kappa(model: PhiModel, sample: PointSample) -> Estimate:
    """κ from `controlled_volume`, with its standard error."""
    volume = controlled_volume(model, sample)
    value = kappa_of_volume(sample.hypersurface, volume.value)
    return Estimate(value, value * volume.standard_error / volume.value)
