/*
 * The first code of the bare guest, on each of its CPUs.
 *
 * The loader (Multiboot) leaves the first CPU in protected mode, without
 * paging: addresses are physical.  Others begin in real mode, at the start of
 * the page that the first one names; what they run there is copied.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#define MAGIC 0x1badb002
#define FLAGS 0
#define STACK_SIZE 4096
#define CODE 0x08
#define DATA 0x10
#define PROTECTED 1

        .section .text.multiboot, "ax"
        .align  4
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)

        .text
        .code32
        .globl  _start
_start:
        cli
        cld
        lgdt    table_register
        ljmp    $CODE, $1f
1:      movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $first_stack + STACK_SIZE, %esp
        pushl   %ebx
        call    first_cpu
2:      hlt
        jmp     2b

/* Copied: all addresses are relative to a segment that begins with it. */
        .globl  other_start, other_end
other_start:
        .code16
        cli
        cld
        movw    %cs, %ax
        movw    %ax, %ds
        lgdtl   other_register - other_start
        movl    %cr0, %eax
        orl     $PROTECTED, %eax
        movl    %eax, %cr0
        ljmpl   $CODE, $other_protected
other_register:
        .word   table_end - table - 1
        .long   table
other_end:

        .code32
other_protected:
        movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $other_stack + STACK_SIZE, %esp
        call    other_cpu
3:      hlt
        jmp     3b

        .data
        .align  8
table:
        .quad   0
        .quad   0x00cf9a000000ffff      /* code: all of the memory */
        .quad   0x00cf92000000ffff      /* data: the same */
table_end:
table_register:
        .word   table_end - table - 1
        .long   table

        .bss
        .align  16
first_stack:
        .skip   STACK_SIZE
other_stack:
        .skip   STACK_SIZE

        .section .note.GNU-stack, "", @progbits
