// SPDX-License-Identifier: GPL-2.0
/*
 * RAMinate: where the guest sees addresses of the process
 */
#include "compat.h"
#include "internal.h"

/*
 * Call @fn for each run of guest pages whose memory is at @start to @last, in
 * both address spaces. Needs slots_lock.
 */
void raminate_walk_gfns(struct kvm *kvm, unsigned long start,
			unsigned long last, raminate_gfns_fn fn, void *data)
{
	struct interval_tree_node *node;
	struct kvm_memory_slot *slot;
	struct kvm_memslots *slots;
	gfn_t from, to;
	int i;

	lockdep_assert_held(&kvm->slots_lock);

	for (i = 0; i < kvm_arch_nr_memslot_as_ids(kvm); i++) {
		slots = __kvm_memslots(kvm, i);
		node = interval_tree_iter_first(&slots->hva_tree, start, last);
		for (; node; node = interval_tree_iter_next(node, start, last)) {
			slot = container_of(node, struct kvm_memory_slot,
					    hva_node[slots->node_idx]);
			from = hva_to_gfn_memslot(max(start, node->start), slot);
			to = hva_to_gfn_memslot(min(last, node->last), slot);
			fn(data, slot, from, to + 1);
		}
	}
}
