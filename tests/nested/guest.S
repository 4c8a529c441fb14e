/*
 * What the selftest's vCPUs run, in 64-bit mode, from wherever it is copied to
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
        .section .rodata
        .code64
        .globl guest_code, guest_code_end, guest_touch, guest_count
        .globl guest_sweep, guest_stamp, guest_spin, guest_interrupted
        .globl guest_bump

guest_code:

/*
 * Read, or write if %rbx is not 0, pages; their %rcx addresses are at %rdi.
 */
guest_touch:
        mov     (%rdi), %rax
        add     $8, %rdi
        test    %rbx, %rbx
        jz      1f
        mov     %rcx, 0x40(%rax)
1:      mov     (%rax), %rdx
        loop    guest_touch
        out     %eax, $0x10
        hlt

/* Count in the word at 0x40 of pages; their %rcx addresses are at %rdi. */
guest_bump:
        mov     (%rdi), %rax
        add     $8, %rdi
        incq    0x40(%rax)
        loop    guest_bump
        out     %eax, $0x10
        hlt

/*
 * Read, or write if %rbx is not 0, %rcx pages from %rdi on, each %rsi bytes
 * after the last.
 */
guest_sweep:
        test    %rbx, %rbx
        jz      1f
        mov     %rcx, 0x40(%rdi)
1:      mov     (%rdi), %rdx
        add     %rsi, %rdi
        loop    guest_sweep
        out     %eax, $0x10
        hlt

/*
 * Count rounds in %r8 until the word at %r9 is not 0. In a round, each of the
 * %r10 pages whose addresses are from %rsi on is to begin with its index, and
 * its counter at offset %r11 is raised.
 */
guest_count:
        xor     %r8d, %r8d
2:      xor     %edx, %edx
3:      mov     (%rsi,%rdx,8), %rdi
        cmp     %rdx, (%rdi)
        jne     4f
        incq    (%rdi,%r11)
        inc     %rdx
        cmp     %r10, %rdx
        jb      3b
        inc     %r8
        cmpq    $0, (%r9)
        je      2b
        out     %eax, $0x10
        hlt
4:      out     %eax, $0x11
        hlt

/*
 * Write to one after the other of the %r10 pages whose addresses are from %rsi
 * on, round and round, until the word at %r9 is not 0. The time from one write
 * to the next is counted in the table at %r13, by the number of its highest
 * bit; the longest is in %r14, the number of writes in %r8.
 */
guest_stamp:
        xor     %r8d, %r8d
        xor     %r14d, %r14d
        xor     %ebx, %ebx
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, %r12
5:      mov     (%rsi,%rbx,8), %rdi
        incq    0x40(%rdi)
        inc     %r8
        rdtsc
        shl     $32, %rdx
        or      %rdx, %rax
        mov     %rax, %rcx
        sub     %r12, %rcx
        mov     %rax, %r12
        cmp     %r14, %rcx
        cmova   %rcx, %r14
        bsr     %rcx, %rcx
        incq    (%r13,%rcx,8)
        inc     %rbx
        cmp     %r10, %rbx
        jb      6f
        xor     %ebx, %ebx
6:      cmpq    $0, (%r9)
        je      5b
        out     %eax, $0x10
        hlt

/* Do nothing %rcx times; whenever interrupted, count in the word at %r9. */
guest_spin:
        loop    guest_spin
        out     %eax, $0x10
        hlt
guest_interrupted:
        incq    (%r9)
        iretq
guest_code_end:

        .section .note.GNU-stack, "", @progbits
