/*
 * RAMinate: the histogram's figures are right, percentiles to 1/8
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdlib.h>

#include "hw/raminate/engine/histogram.h"

static void test_empty(void)
{
    RaminateHistogram h = { 0 };

    g_assert_cmpuint(h.count, ==, 0);
    g_assert_cmpuint(h.last, ==, 0);
    g_assert_cmpuint(h.max, ==, 0);
    g_assert_cmpuint(raminate_histogram_mean(&h), ==, 0);
    g_assert_cmpuint(raminate_histogram_percentile(&h, 99), ==, 0);
}

static void test_count_last_mean_max(void)
{
    RaminateHistogram h = { 0 };

    raminate_histogram_add(&h, 1000);
    raminate_histogram_add(&h, 5000);
    raminate_histogram_add(&h, 3000);
    g_assert_cmpuint(h.count, ==, 3);
    g_assert_cmpuint(h.last, ==, 3000);
    g_assert_cmpuint(h.max, ==, 5000);
    g_assert_cmpuint(raminate_histogram_mean(&h), ==, 3000);
}

static void test_small_values_are_exact(void)
{
    RaminateHistogram h = { 0 };

    for (int i = 0; i < 16; i++) {
        raminate_histogram_add(&h, i);
    }
    for (int i = 0; i < 16; i++) {
        g_assert_cmpuint(
            raminate_histogram_percentile(&h, (i + 1) * 100 / 16.0), ==, i);
    }
}

static void test_one_value_is_every_percentile(void)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        RaminateHistogram h = { 0 };
        uint64_t value = (UINT64_C(1) << bit) + (UINT64_C(1) << bit) / 3;

        raminate_histogram_add(&h, value);
        g_assert_cmpuint(raminate_histogram_percentile(&h, 0), ==, value);
        g_assert_cmpuint(raminate_histogram_percentile(&h, 50), ==, value);
        g_assert_cmpuint(raminate_histogram_percentile(&h, 100), ==, value);
    }
}

static void test_every_value_is_known_to_an_eighth(void)
{
    for (unsigned bit = 0; bit < 63; bit++) {
        for (int i = 0; i < 100; i++) {
            RaminateHistogram h = { 0 };
            uint64_t power = UINT64_C(1) << bit;
            uint64_t value = power +
                             (uint64_t)(g_test_rand_double() * power);
            uint64_t shown;

            /* A larger one keeps the maximum from helping. */
            raminate_histogram_add(&h, value);
            raminate_histogram_add(&h, UINT64_MAX);
            shown = raminate_histogram_percentile(&h, 50);
            g_assert_cmpuint(shown, >=, value);
            g_assert_cmpuint(shown - value, <=, value / 8);
        }
    }
}

static void test_hundredth_of_outliers(void)
{
    RaminateHistogram h = { 0 };

    for (int i = 0; i < 990; i++) {
        raminate_histogram_add(&h, 7);
    }
    for (int i = 0; i < 10; i++) {
        raminate_histogram_add(&h, 1000000);
    }
    g_assert_cmpuint(raminate_histogram_percentile(&h, 50), ==, 7);
    g_assert_cmpuint(raminate_histogram_percentile(&h, 99), ==, 7);
    g_assert_cmpuint(raminate_histogram_percentile(&h, 99.1), ==, 1000000);
    g_assert_cmpuint(raminate_histogram_percentile(&h, 99.9), ==, 1000000);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

static void test_random_against_sorted(void)
{
    enum { VALUES = 1000 };
    RaminateHistogram h = { 0 };
    uint64_t values[VALUES];

    for (int i = 0; i < VALUES; i++) {
        values[i] = g_test_rand_int() & 0x7fffffff;
        values[i] >>= g_test_rand_int_range(0, 30);
        raminate_histogram_add(&h, values[i]);
    }
    qsort(values, VALUES, sizeof(values[0]), compare);
    for (int percent = 1; percent <= 100; percent++) {
        uint64_t exact = values[percent * VALUES / 100 - 1];
        uint64_t shown = raminate_histogram_percentile(&h, percent);

        g_assert_cmpuint(shown, >=, exact);
        g_assert_cmpuint(shown - exact, <=, exact / 8);
    }
}

static void test_largest_values(void)
{
    RaminateHistogram h = { 0 };

    raminate_histogram_add(&h, 5);
    raminate_histogram_add(&h, UINT64_MAX);
    g_assert_cmpuint(h.max, ==, UINT64_MAX);
    g_assert_cmpuint(raminate_histogram_mean(&h), ==, UINT64_MAX / 2);
    g_assert_cmpuint(raminate_histogram_percentile(&h, 99), ==, UINT64_MAX);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/histogram/empty-is-all-zero", test_empty);
    g_test_add_func("/histogram/count-last-mean-max",
                    test_count_last_mean_max);
    g_test_add_func("/histogram/values-below-16-are-exact",
                    test_small_values_are_exact);
    g_test_add_func("/histogram/one-value-is-every-percentile",
                    test_one_value_is_every_percentile);
    g_test_add_func("/histogram/every-value-is-known-to-an-eighth",
                    test_every_value_is_known_to_an_eighth);
    g_test_add_func("/histogram/one-in-a-hundred-is-beyond-p99",
                    test_hundredth_of_outliers);
    g_test_add_func("/histogram/random-values-agree-with-sorting",
                    test_random_against_sorted);
    g_test_add_func("/histogram/largest-values-do-not-wrap",
                    test_largest_values);
    return g_test_run();
}
