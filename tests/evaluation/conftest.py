"""A small evaluation that tests of runs share."""

import pytest

import fusionbench


@pytest.fixture
def run():
    """Evaluate two folders of pairs under two conditions by two methods, unless told otherwise."""

    def evaluate(options, results, **more) -> fusionbench.Evaluation:
        settings = {
            "degradation": "haze+noise",
            "severity": "2,4",
            "methods": ["average", "lp"],
            "metrics": ["en", "mi", "qabf", "ssim", "vif"],
            **more,
        }
        return fusionbench.evaluate("folder", dataset_options=options, results=results, **settings)

    return evaluate
