# What the RAMinate paper measured (SoCC 2016, DOI 10.1145/2987550.2987570):
# CMQ with a batch each 5 s, share of all writes that NVM took, in per cent;
# read off its charts, to about 1 %.
#
# SPDX-License-Identifier: GPL-2.0-or-later

from typing import Dict

NVM_SHARE: Dict[int, Dict[str, float]] = {
    1: {'kernel build': 48.7, 'mcf': 89.4, 'graph500': 54.0, 'apache': 50.4,
        'memcached': 57.8},
    10: {'kernel build': 9.2, 'mcf': 68.4, 'graph500': 17.3, 'apache': 18.5,
         'memcached': 29.2},
}
