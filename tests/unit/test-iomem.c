/*
 * RAMinate: what /proc/iomem says of a range is understood
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include <glib.h>
#include <inttypes.h>

#include "backends/iomem.h"

/* A host with memmap=1G$0x140000000 and the usual things around */
static const char host[] =
    "00000000-00000fff : Reserved\n"
    "00001000-0009fbff : System RAM\n"
    "0009fc00-0009ffff : Reserved\n"
    "000a0000-000bffff : PCI Bus 0000:00\n"
    "000f0000-000fffff : System ROM\n"
    "00100000-69f0efff : System RAM\n"
    "  01000000-022090c7 : Kernel code\n"
    "  02400000-02e08fff : Kernel rodata\n"
    "  03000000-0327c03f : Kernel data\n"
    "  2b000000-3affffff : Crash kernel\n"
    "69f0f000-6c00efff : Reserved\n"
    "  6afcf018-6afcf018 : APEI ERST\n"
    "6c12c000-6ceb2fff : ACPI Non-volatile Storage\n"
    "6f7ff000-6fffefff : ACPI Tables\n"
    "80000000-8fffffff : PCI MMCONFIG 0000 [bus 00-ff]\n"
    "  80000000-8fffffff : Reserved\n"
    "    80000000-8fffffff : pnp 00:00\n"
    "90000000-9d7fffff : PCI Bus 0000:00\n"
    "  9d100000-9d17ffff : 0000:00:17.0\n"
    "    9d100000-9d17ffff : ahci\n"
    "fec00000-fec003ff : IOAPIC 0\n"
    "100000000-13fffffff : System RAM\n"
    "140000000-17fffffff : Reserved\n"
    "180000000-27fffffff : System RAM\n"
    "380000000000-383fffffffff : PCI Bus 0000:00\n";

/* NVDIMMs, by firmware and by memmap=SIZE!ADDR, one in use of each */
static const char nvdimms[] =
    "00100000-bfffffff : System RAM\n"
    "100000000-13fffffff : Persistent Memory\n"
    "  100000000-13fffffff : namespace0.0\n"
    "140000000-33fffffff : Persistent Memory\n"
    "  140000000-1481fffff : namespace1.0\n"
    "  150000000-33fffffff : dax1.0\n"
    "    150000000-33fffffff : System RAM (kmem)\n"
    "340000000-37fffffff : Persistent Memory\n"
    "380000000-3bfffffff : Persistent Memory (legacy)\n"
    "  390000000-39fffffff : RAMinate\n"
    "    390000000-39fffffff : RAMinate\n"
    "3c0000000-3ffffffff : Persistent Memory (legacy)\n"
    "  3c0000000-3ffffffff : namespace3.0\n";

/* CXL and high-bandwidth memory, some of it in use */
static const char soft_reserved[] =
    "00100000-bfffffff : System RAM\n"
    "1000000000-1fffffffff : Soft Reserved\n"
    "2000000000-2fffffffff : Soft Reserved\n"
    "  2000000000-27ffffffff : dax0.0\n"
    "    2000000000-27ffffffff : System RAM (kmem)\n"
    "3000000000-3fffffffff : Soft Reserved\n"
    "  3000000000-3fffffffff : hmem.2\n"
    "    3000000000-3fffffffff : dax2.0\n"
    "4000000000-7fffffffff : CXL Window 0\n"
    "  4000000000-4fffffffff : region0\n"
    "    4000000000-4fffffffff : dax3.0\n"
    "      4000000000-4fffffffff : System RAM (kmem)\n"
    "  5000000000-5fffffffff : region1\n"
    "    5000000000-5fffffffff : dax4.0\n"
    "  6000000000-6fffffffff : region12\n"
    "8000000000-8fffffffff : regional office\n";

static void expect(const char *text, uint64_t first, uint64_t last,
                   RaminateIomemUse use, const char *name)
{
    g_autofree char *shown = NULL;
    RaminateIomemUse got = raminate_iomem_use(text, first, last - first + 1,
                                              &shown);

    if (got != use || g_strcmp0(shown, name) != 0) {
        g_error("%" PRIx64 "-%" PRIx64 ": got %d (%s), expected %d (%s)",
                first, last, got, shown ? shown : "no name",
                use, name ? name : "no name");
    }
}

static void test_memmap_is_free(void)
{
    expect(host, 0x140000000, 0x17fffffff, RAMINATE_IOMEM_FREE, NULL);
    expect(host, 0x150000000, 0x150000fff, RAMINATE_IOMEM_FREE, NULL);
    expect("140000000-17fffffff : reserved\n", 0x140000000, 0x17fffffff,
           RAMINATE_IOMEM_FREE, NULL);
}

static void test_unlisted_is_free(void)
{
    expect(host, 0x1000000000, 0x103fffffff, RAMINATE_IOMEM_FREE, NULL);
}

static void test_system_ram(void)
{
    expect(host, 0x180000000, 0x180000fff,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM");
    expect(host, 0x1000000, 0x1000fff,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM");
}

/* 128 MiB, however little of it is asked for */
static void test_sections(void)
{
    static const char *shared =
        "00100000-1fffffff : System RAM\n"
        "20000000-23ffffff : Reserved\n"
        "24000000-3fffffff : System RAM\n"
        "40000000-87ffffff : Reserved\n"
        "88000000-bfffffff : System RAM\n";

    g_assert_true(raminate_iomem_shares_section(shared, 0x20000000, 0x1000));
    g_assert_true(raminate_iomem_shares_section(shared, 0x20000000,
                                                0x4000000));
    g_assert_false(raminate_iomem_shares_section(shared, 0x40000000,
                                                 0x48000000));
    g_assert_false(raminate_iomem_shares_section(shared, 0x47fff000, 0x2000));
    g_assert_false(raminate_iomem_shares_section(shared, 0x87fff000, 0x1000));
    g_assert_true(raminate_iomem_shares_section(shared, 0x87fff000, 0x2000));
    g_assert_false(raminate_iomem_shares_section(shared, UINT64_MAX - 0xfff,
                                                 0x1000));
}

static void test_edges(void)
{
    expect(host, 0x13ffff000, 0x17fffffff,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM");
    expect(host, 0x140000000, 0x180000fff,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM");
    expect(host, 0x13fffffff, 0x140000000,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM");
    expect(host, 0x17fffffff, 0x180000000,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM");
}

static void test_range_around_an_entry(void)
{
    expect(host, 0x69f0f000, 0x6c00efff,
           RAMINATE_IOMEM_CLAIMED, "APEI ERST");
    expect(host, 0xfe000000, 0xfeffffff,
           RAMINATE_IOMEM_CLAIMED, "IOAPIC 0");
}

static void test_firmware(void)
{
    expect(host, 0x6f7ff000, 0x6f7fffff,
           RAMINATE_IOMEM_CLAIMED, "ACPI Tables");
    expect(host, 0x6c12c000, 0x6c12cfff,
           RAMINATE_IOMEM_CLAIMED, "ACPI Non-volatile Storage");
    expect(host, 0xf0000, 0xf0fff, RAMINATE_IOMEM_CLAIMED, "System ROM");
}

static void test_pci(void)
{
    expect(host, 0x9d100000, 0x9d100fff,
           RAMINATE_IOMEM_CLAIMED, "PCI Bus 0000:00");
    expect(host, 0x380000000000, 0x38003fffffff,
           RAMINATE_IOMEM_CLAIMED, "PCI Bus 0000:00");
    expect(host, 0x80000000, 0x80000fff,
           RAMINATE_IOMEM_CLAIMED, "PCI MMCONFIG 0000 [bus 00-ff]");
}

static void test_nvdimm(void)
{
    expect(nvdimms, 0x340000000, 0x37fffffff, RAMINATE_IOMEM_FREE, NULL);
    expect(nvdimms, 0x380000000, 0x3bfffffff, RAMINATE_IOMEM_FREE, NULL);
    expect(nvdimms, 0x340000000, 0x3bfffffff, RAMINATE_IOMEM_FREE, NULL);
}

static void test_nvdimm_in_use(void)
{
    expect(nvdimms, 0x100000000, 0x13fffffff,
           RAMINATE_IOMEM_CLAIMED, "namespace0.0");
    expect(nvdimms, 0x3c0000000, 0x3c0000fff,
           RAMINATE_IOMEM_CLAIMED, "namespace3.0");
    expect(nvdimms, 0x148200000, 0x14fffffff, RAMINATE_IOMEM_FREE, NULL);
}

static void test_lent_to_the_kernel(void)
{
    expect(nvdimms, 0x150000000, 0x150000fff,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM (kmem)");
    expect(soft_reserved, 0x2000000000, 0x2fffffffff,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM (kmem)");
    expect(soft_reserved, 0x4000000000, 0x4000000fff,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM (kmem)");
}

static void test_soft_reserved(void)
{
    expect(soft_reserved, 0x1000000000, 0x1fffffffff,
           RAMINATE_IOMEM_FREE, NULL);
    expect(soft_reserved, 0x2800000000, 0x2fffffffff,
           RAMINATE_IOMEM_FREE, NULL);
    expect(soft_reserved, 0x3000000000, 0x3000000fff,
           RAMINATE_IOMEM_CLAIMED, "hmem.2");
}

static void test_cxl(void)
{
    expect(soft_reserved, 0x6000000000, 0x6fffffffff,
           RAMINATE_IOMEM_FREE, NULL);
    expect(soft_reserved, 0x5000000000, 0x5000000fff,
           RAMINATE_IOMEM_CLAIMED, "dax4.0");
    expect(soft_reserved, 0x8000000000, 0x8000000fff,
           RAMINATE_IOMEM_CLAIMED, "regional office");
}

static void test_first_claim_is_named(void)
{
    expect(nvdimms, 0x100000000, 0x14fffffff,
           RAMINATE_IOMEM_CLAIMED, "namespace0.0");
}

static void test_end_of_address_space(void)
{
    expect("fffffffffffff000-ffffffffffffffff : Reserved\n",
           0xfffffffffffff000, UINT64_MAX, RAMINATE_IOMEM_FREE, NULL);
    expect("fffffffffffff000-ffffffffffffffff : thing\n",
           0xfffffffffffff000, UINT64_MAX, RAMINATE_IOMEM_CLAIMED, "thing");
}

static void test_hidden_addresses(void)
{
    expect("00000000-00000000 : Reserved\n"
           "00000000-00000000 : System RAM\n"
           "  00000000-00000000 : Kernel code\n",
           0, 0xfff, RAMINATE_IOMEM_UNKNOWN, NULL);
}

static void test_no_iomem(void)
{
    expect("", 0x1000, 0x1fff, RAMINATE_IOMEM_UNKNOWN, NULL);
    expect("\n\nwhatever\n12-\n-34 : x\n1000-1fff System RAM\n1000 : x\n",
           0x1000, 0x1fff, RAMINATE_IOMEM_UNKNOWN, NULL);
}

static void test_no_newline_at_the_end(void)
{
    expect("1000-1fff : System RAM", 0x1000, 0x1fff,
           RAMINATE_IOMEM_SYSTEM_RAM, "System RAM");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/iomem/memmap-range-is-free", test_memmap_is_free);
    g_test_add_func("/iomem/unlisted-range-is-free", test_unlisted_is_free);
    g_test_add_func("/iomem/system-ram-is-refused", test_system_ram);
    g_test_add_func("/iomem/overlap-by-one-page-or-byte-counts", test_edges);
    g_test_add_func("/iomem/sections-shared-with-the-host", test_sections);
    g_test_add_func("/iomem/range-around-an-entry-is-claimed",
                    test_range_around_an_entry);
    g_test_add_func("/iomem/firmware-is-claimed", test_firmware);
    g_test_add_func("/iomem/pci-is-claimed", test_pci);
    g_test_add_func("/iomem/idle-nvdimm-is-free", test_nvdimm);
    g_test_add_func("/iomem/nvdimm-in-use-is-claimed", test_nvdimm_in_use);
    g_test_add_func("/iomem/memory-lent-to-the-kernel-is-system-ram",
                    test_lent_to_the_kernel);
    g_test_add_func("/iomem/soft-reserved-is-free-until-claimed",
                    test_soft_reserved);
    g_test_add_func("/iomem/cxl-region-is-free-until-claimed", test_cxl);
    g_test_add_func("/iomem/first-claim-is-named",
                    test_first_claim_is_named);
    g_test_add_func("/iomem/end-of-address-space-does-not-wrap",
                    test_end_of_address_space);
    g_test_add_func("/iomem/hidden-addresses-are-unknown",
                    test_hidden_addresses);
    g_test_add_func("/iomem/no-or-foreign-text-is-unknown", test_no_iomem);
    g_test_add_func("/iomem/last-line-needs-no-newline",
                    test_no_newline_at_the_end);
    return g_test_run();
}
