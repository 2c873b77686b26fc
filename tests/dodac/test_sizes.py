"""A limit on the disk is the number that was meant."""

import pytest

from dodac.sizes import size_bytes, size_text


@pytest.mark.parametrize(
    ("text", "size"),
    [("1B", 1), ("500MB", 500_000_000), ("1.5 GB", 1_500_000_000), ("16GiB", 16 * 2**30), ("2KiB", 2048)],
)
def test_a_size_counts_in_the_unit_that_was_written(text: str, size: int) -> None:
    assert size_bytes(text) == size


@pytest.mark.parametrize("text", ["", "8", "8 Gb", "-1GB", "0MB", "0.1B", "9999999999TB", "8,5GB", "GB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        size_bytes(text)


def test_sizes_are_told_with_three_figures() -> None:
    assert [size_text(n) for n in (0, 999, 1234, 51_200_000, 512_000_000, 8_000_000_000)] == [
        "0 B", "999 B", "1.23 kB", "51.2 MB", "512 MB", "8.00 GB",
    ]  # fmt: skip
