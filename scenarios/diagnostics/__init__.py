"""The measured gradient: where and how the predictions of a trial err."""
