"""The requirements of an exported package are versions, whatever its run's log holds."""

import pytest

from gome.viewer.export.package.writer import pinned


@pytest.mark.parametrize("hostile", ["1\nother @ https://example.org/x.whl", "1 ; x", "*", "", "1\u2028-r other"])
def test_what_is_no_version_is_not_pinned(hostile: str) -> None:
    found = pinned({"numpy": hostile, "pandas": "2.1.0+local", "strange": "1"}, {"numpy": "2.0", "pandas": "2.2"})
    assert found == {"numpy": "2.0", "pandas": "2.1.0+local"}
