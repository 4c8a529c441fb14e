/*
 * Selftest of the KVM extension: TAP
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "selftest.h"

static int nr_checks;
static int nr_failed;

void check(bool ok, const char *format, ...)
{
    va_list args;

    printf("%sok %d - ", ok ? "" : "not ", ++nr_checks);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
    nr_failed += !ok;
}

void expect(int result, int wanted, const char *what)
{
    check(result == wanted, "%s: %s (%s)", what,
          wanted ? strerrorname_np(-wanted) : "works",
          result ? strerrorname_np(-result) : "works");
}

void note(const char *format, ...)
{
    va_list args;

    printf("# ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}

void die(const char *what)
{
    printf("Bail out! %s: %s\n", what, strerror(errno));
    fflush(stdout);
    exit(99);
}

/* Returns: the program's exit status. */
int tap_finish(void)
{
    printf("1..%d\n", nr_checks);
    return nr_failed > 0;
}
