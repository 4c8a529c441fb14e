/*
 * A bare guest that writes to pages, again and again.
 *
 * It has no command line: benchlib/largeguest.py puts the table of what to write
 * into the file, after the mark.  An entry is five numbers of 64 bits: START,
 * END, STEP, SIZE and TIMES.  From START to END, once every STEP bytes, the pages
 * of the next SIZE bytes are written, one word each; this is done TIMES times
 * before the next entry.  A STEP of 0 ends the table.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#define MAGIC 0x1badb002
#define FLAGS 0

#define PAGE_SIZE 4096
#define ENTRY_SIZE 40
#define MAX_ENTRIES 8

/* Of an entry in the CPU's page tables */
#define PRESENT_WRITABLE 3
#define LARGE 0x80              /* 1 GiB */
#define ENTRIES 512

#define CODE64 0x08
#define EFER 0xc0000080
#define EFER_LME 0x100
#define CR4_PAE 0x20
#define CR0_PG 0x80000000

        .section .text.multiboot, "ax"
        .align  4
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)

        .text
        .code32
        .globl  _start
_start:
        cli
        cld
        /* Addresses are physical: 512 GiB are mapped to themselves. */
        movl    $lower_table, %eax
        orl     $PRESENT_WRITABLE, %eax
        movl    %eax, upper_table
        xorl    %ecx, %ecx
1:      movl    %ecx, %eax
        shll    $30, %eax
        orl     $(PRESENT_WRITABLE | LARGE), %eax
        movl    %eax, lower_table(, %ecx, 8)
        movl    %ecx, %eax
        shrl    $2, %eax
        movl    %eax, lower_table + 4(, %ecx, 8)
        incl    %ecx
        cmpl    $ENTRIES, %ecx
        jb      1b

        movl    %cr4, %eax
        orl     $CR4_PAE, %eax
        movl    %eax, %cr4
        movl    $upper_table, %eax
        movl    %eax, %cr3
        movl    $EFER, %ecx
        rdmsr
        orl     $EFER_LME, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $CR0_PG, %eax
        movl    %eax, %cr0
        lgdt    segments_register
        ljmp    $CODE64, $write

        .code64
write:  movl    $entries, %esi
next_entry:
        movq    32(%rsi), %r10
next_time:
        movq    (%rsi), %rbx
        movq    8(%rsi), %rcx
        movq    16(%rsi), %rdx
        movq    24(%rsi), %r8
        testq   %rdx, %rdx
        jz      write
next_step:
        cmpq    %rcx, %rbx
        jae     next_walk
        movq    %rbx, %rax
        leaq    (%rbx, %r8), %r9
next_page:
        movq    %rax, (%rax)
        addq    $PAGE_SIZE, %rax
        cmpq    %r9, %rax
        jb      next_page
        addq    %rdx, %rbx
        jmp     next_step
next_walk:
        decq    %r10
        jnz     next_time
        addq    $ENTRY_SIZE, %rsi
        jmp     next_entry

        .data
        .align  8
segments:
        .quad   0
        .quad   0x00af9a000000ffff      /* 64-bit code */
segments_end:
segments_register:
        .word   segments_end - segments - 1
        .long   segments

        .align  8
        .ascii  "what to write:  "
entries:
        .skip   MAX_ENTRIES * ENTRY_SIZE

        .bss
        .align  PAGE_SIZE
upper_table:
        .skip   PAGE_SIZE
lower_table:
        .skip   PAGE_SIZE

        .section .note.GNU-stack, "", @progbits
