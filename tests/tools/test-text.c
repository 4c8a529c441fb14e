/*
 * RAMinate: text fits its columns and harms no terminal
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "lib/text.h"

static void expect(char *got, const char *expected)
{
    g_assert_cmpstr(got, ==, expected);
    g_free(got);
}

static void test_clean(void)
{
    expect(text_clean("plain", TRUE), "plain");
    expect(text_clean("a\033[31mb\nc\177", TRUE), "a?[31mb?c?");
    expect(text_clean("caf\303\251", TRUE), "caf\303\251");
    expect(text_clean("caf\303\251", FALSE), "caf?");
    expect(text_clean("a\314\201", TRUE), "a?");
    expect(text_clean("\342\200\256x", TRUE), "?x");
    expect(text_clean("\302\233x", TRUE), "?x");
}

static void test_bytes_that_are_no_text(void)
{
    expect(text_clean("\377x", FALSE), "?x");
}

static void expect_line(const char *text, unsigned columns, gsize length)
{
    g_assert_cmpuint(text_line(text, columns), ==, length);
}

static void test_line(void)
{
    expect_line("", 5, 0);
    expect_line("to be", 5, 5);
    expect_line("to be or", 5, 5);
    expect_line("to be or", 4, 2);
    expect_line("to be or", 1, 1);
    expect_line("together", 3, 3);
    expect_line(" be", 1, 1);
    /* A wide character is not cut in half, and there is always one. */
    expect_line("\346\274\242\345\255\227", 3, 3);
    expect_line("\346\274\242\345\255\227", 1, 3);
}

static void test_fit(void)
{
    expect(text_fit("abc", 5), "abc  ");
    expect(text_fit("abc", -5), "  abc");
    expect(text_fit("abc", 2), "ab");
    expect(text_fit("abc", 0), "");
    expect(text_fit("caf\303\251", 4), "caf\303\251");
    /* A wide character is not cut in half. */
    expect(text_fit("\346\274\242\345\255\227", 3), "\346\274\242 ");
}

static void test_numbers(void)
{
    expect(text_size(0), "0 B");
    expect(text_size(1536), "1.50 KiB");
    expect(text_size(G_GUINT64_CONSTANT(8) << 30), "8 GiB");
    expect(text_count(0), "0");
    expect(text_count(12.4), "12");
    expect(text_count(12345), "12.3k");
    expect(text_count(1e30), "1000000000000E");
    expect(text_duration(1250000), "1.25 ms");
    expect(text_duration(0), "0 ns");
}

static void test_sparkline(void)
{
    const double values[] = { -1, 0, 50, 100, 1000 };

    expect(text_sparkline(values, 5, 10, FALSE), " _=##");
    expect(text_sparkline(values, 5, 2, FALSE), "##");
    expect(text_sparkline(values, 5, 0, FALSE), "");
    expect(text_sparkline(values, 0, 10, FALSE), "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/control-characters-are-taken-out", test_clean);
    g_test_add_func("/text/bytes-that-are-no-text",
                    test_bytes_that_are_no_text);
    g_test_add_func("/text/fits-its-columns", test_fit);
    g_test_add_func("/text/breaks-into-lines", test_line);
    g_test_add_func("/text/numbers-are-short", test_numbers);
    g_test_add_func("/text/sparkline-shows-the-latest", test_sparkline);
    return g_test_run();
}
