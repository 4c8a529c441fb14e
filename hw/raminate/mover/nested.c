/*
 * RAMinate: guests within the guest
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "cpu.h"
#include "hw/raminate/mover/nested.h"
#include "system/hw_accel.h"
#include "system/kvm.h"

bool raminate_vcpus_are_nested(void)
{
#ifdef TARGET_I386
    CPUState *cpu;

    if (!kvm_enabled()) {
        return false;
    }
    CPU_FOREACH(cpu) {
        cpu_synchronize_state(cpu);
        if (X86_CPU(cpu)->env.hflags & HF_GUEST_MASK) {
            return true;
        }
    }
#endif
    return false;
}
