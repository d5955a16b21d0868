"""The pool of loan-grade; `python -m benchmarks.pools loan-grade` scores it again. Frozen."""

from pandas import DataFrame

from benchmarks.pools.classes import Classes, common_classes, featured_classes
from benchmarks.pools.decisions import most_probable, nearest_mean

__all__ = ["POOL"]


def _featured(rows: DataFrame) -> DataFrame:
    """A lender's ratios: loan amount to income, use of credit, age of credit."""
    made = rows.drop(columns="emp_title")
    income = made["annual_income"].clip(lower=1)
    made["request_of_income"] = made["loan_amount"] / income
    made["month_of_income"] = made["loan_amount"] / made["term"] / (income / 12)
    made["used"] = made["total_credit_utilized"] / made["total_credit_limit"].clip(lower=1)
    made["debit_of_credit"] = made["total_debit_limit"] / made["total_credit_limit"].clip(lower=1)
    made["years_of_credit"] = 2018 - made["earliest_credit_line"]
    made["open_share"] = made["open_credit_lines"] / made["total_credit_lines"].clip(lower=1)
    made["joint_debt"] = made["debt_to_income_joint"].fillna(made["debt_to_income"])
    return made


_TASK = Classes("grade", most_probable, nearest_mean, shuffled=True)

POOL = common_classes(_TASK) | featured_classes(_TASK, _featured)
