from __future__ import annotations

from eval.rates import Rate, operations


def test_operations_follow_from_the_shape_of_the_model() -> None:
    # One token: 6 layers, each 4 x 384 x 384 + 2 x 384 x 1,536 + 2 x 384 x 1 = 1,770,240 multiplications, as many sums.
    assert operations(1) == 2 * 6 * 1_770_240
    # Attention grows with the square: the second token costs more than the first.
    assert operations(2) - 2 * operations(1) == 2 * 6 * 2 * 2 * 384 * (2 - 1)


def test_a_share_is_of_what_plain_products_reach() -> None:
    rate = Rate(30.0, 60.0, 1.0, "fp32", encoding_cpu=24.0, product_cpu=32.0)
    assert (rate.share, rate.share_cpu) == (0.5, 0.75)
