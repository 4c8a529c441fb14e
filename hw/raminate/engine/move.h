/*
 * RAMinate: a move of a page, and what became of it
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_RAMINATE_MOVE_H
#define HW_RAMINATE_MOVE_H

#include <stdint.h>

typedef enum RaminateMoveStatus {
    RAMINATE_MOVE_PENDING,      /* not reached */
    RAMINATE_MOVE_DONE,
    RAMINATE_MOVE_FAILED,       /* both pages are as they were */
    RAMINATE_MOVE_HELD,         /* not tried: too many mappings */
} RaminateMoveStatus;

/* Pages of a move whose memory has failed for good */
#define RAMINATE_MOVE_BAD_PAGE 1
#define RAMINATE_MOVE_BAD_WITH 2

/*
 * @page goes to the tier of @with, and @with to the tier of @page: where tiers
 * own frames, they exchange them.  One of the two may stand for room, which has
 * no contents to be moved; see RaminateLayout.
 *
 * Where @with is RAMINATE_NO_PAGE, @page alone is given to a tier, which is
 * told beside the move; see raminate_placement_give().
 */
typedef struct RaminateMove {
    uint32_t page;
    uint32_t with;
    RaminateMoveStatus status;
    int error;                  /* errno, if status is RAMINATE_MOVE_FAILED */
    unsigned bad;               /* RAMINATE_MOVE_BAD_*, if that is EHWPOISON */
} RaminateMove;

/* A page that is to count to another tier, since it does not leave that one */
typedef struct RaminateStray {
    uint32_t page;
    uint8_t to;                 /* the tier that it is in */
} RaminateStray;

#endif
