# What scripts/demo and the guest tests share.
#
# SPDX-License-Identifier: GPL-2.0-or-later
