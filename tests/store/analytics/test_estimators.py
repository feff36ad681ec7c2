"""The analyses as scikit-learn estimators, tested with scikit-learn's own checks."""

import inspect

import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from chromalab import analytics
from chromalab.analytics.estimators import (
    ClassifyEstimator,
    ClusterEstimator,
    OutlierEstimator,
    ProjectEstimator,
)

# Column names are not stored, and a map is always float32.
NOT_PASSED = {"check_dataframe_column_names_consistency", "check_transformer_preserve_dtypes"}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator",
    [ClassifyEstimator(), ClusterEstimator(), OutlierEstimator(), ProjectEstimator("pca")],
    ids=str,
)
def test_estimators_pass_scikit_learns_checks(estimator):
    checks = check_estimator(estimator, on_fail=None)
    failed = {check["check_name"] for check in checks if check["status"] == "failed"}
    assert failed <= NOT_PASSED
    assert sum(check["status"] == "passed" for check in checks) > 35


@pytest.mark.parametrize(
    ("estimator", "function"),
    [
        (ClassifyEstimator, analytics.classify),
        (ClusterEstimator, analytics.cluster),
        (OutlierEstimator, analytics.outliers),
        (ProjectEstimator, analytics.project),
    ],
)
def test_parameters_are_the_options_of_the_function_with_their_defaults(estimator, function):
    options = inspect.signature(function).parameters
    for name, value in estimator().get_params().items():
        assert value == options[name].default
    assert list(inspect.signature(estimator).parameters) == list(
        name for name in options if name in estimator().get_params()
    )
    with pytest.raises(TypeError, match="unexpected keyword argument 'where'"):
        estimator(where={})


def test_estimators_are_cloned_with_their_parameters():
    copy = clone(ClusterEstimator("hdbscan", min_samples=3, leaf=True))
    assert (copy.method, copy.min_samples, copy.leaf, copy.n_clusters) == ("hdbscan", 3, True, None)
