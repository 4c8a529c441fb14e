# How much the tests are to do: with RAMINATE_SPEED=slow, which SPEED=slow of
# make sets, all that they can, else what is done in less than an hour.
#
# SPDX-License-Identifier: GPL-2.0-or-later

import os

VARIABLE = 'RAMINATE_SPEED'
SPEED = os.environ.get(VARIABLE, 'quick')
SLOW = SPEED == 'slow'
