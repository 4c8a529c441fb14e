/*
 * RAMinate: who uses a range of physical addresses, by /proc/iomem
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "iomem.h"

/*
 * What merely says what kind of memory there is.  Whoever uses a part of it
 * shows as an entry within ("namespace0.0", "dax0.0").  Every other name is
 * somebody's: that of a driver, a device, a bus, or a firmware table.
 */
static bool is_memory_kind(const char *name)
{
    static const char *const kinds[] = {
        "Reserved", "reserved",     /* older kernels: no capital */
        "Soft Reserved",
        "Persistent Memory", "Persistent Memory (legacy)",
        "RAMinate",                 /* a VM's, by a lock or by KVM */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        if (strcmp(name, kinds[i]) == 0) {
            return true;
        }
    }

    /* "CXL Window 0" is where CXL memory may be, "region0" where it is. */
    return g_str_has_prefix(name, "CXL Window ") ||
           (g_str_has_prefix(name, "region") && g_ascii_isdigit(name[6]));
}

/* Also "System RAM (kmem)", memory of another kind lent to the kernel */
static bool is_system_ram(const char *name)
{
    return g_str_has_prefix(name, "System RAM");
}

/*
 * Parses a line like "  100000000-23fffffff : System RAM".
 * Returns: the name within @line, or NULL if it is no such line.
 */
static const char *parse_entry(const char *line,
                               uint64_t *first, uint64_t *last)
{
    char *end;

    line += strspn(line, " ");
    if (!g_ascii_isxdigit(*line)) {
        return NULL;
    }
    *first = g_ascii_strtoull(line, &end, 16);
    if (*end != '-' || !g_ascii_isxdigit(end[1])) {
        return NULL;
    }
    *last = g_ascii_strtoull(end + 1, &end, 16);
    return g_str_has_prefix(end, " : ") ? end + strlen(" : ") : NULL;
}

RaminateIomemUse raminate_iomem_use(const char *text, uint64_t start,
                                    uint64_t size, char **name)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    uint64_t end = start + (size - 1);
    RaminateIomemUse use = RAMINATE_IOMEM_UNKNOWN;

    *name = NULL;
    for (char **line = lines; *line; line++) {
        uint64_t first, last;
        const char *entry = parse_entry(*line, &first, &last);

        if (!entry || last == 0) {
            continue;
        }
        if (use == RAMINATE_IOMEM_UNKNOWN) {
            use = RAMINATE_IOMEM_FREE;
        }
        if (last < start || first > end) {
            continue;
        }
        if (is_system_ram(entry)) {
            /* Nothing is worse: say so rather than who has lent it. */
            g_free(*name);
            *name = g_strdup(entry);
            return RAMINATE_IOMEM_SYSTEM_RAM;
        }
        if (use == RAMINATE_IOMEM_FREE && !is_memory_kind(entry)) {
            use = RAMINATE_IOMEM_CLAIMED;
            *name = g_strdup(entry);
        }
    }
    return use;
}

bool raminate_iomem_shares_section(const char *text, uint64_t start,
                                   uint64_t size)
{
    g_autofree char *name = NULL;
    uint64_t first = start / RAMINATE_IOMEM_SECTION;
    uint64_t last = (start + (size - 1)) / RAMINATE_IOMEM_SECTION;

    return raminate_iomem_use(text, first * RAMINATE_IOMEM_SECTION,
                              (last - first + 1) * RAMINATE_IOMEM_SECTION,
                              &name) == RAMINATE_IOMEM_SYSTEM_RAM;
}
