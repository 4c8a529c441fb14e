# KVM with the extension; included by the top-level Makefile.
# SPDX-License-Identifier: GPL-2.0-or-later

# The kernel to build for, as uname -r prints it there.
KVM_RELEASE ?= $(shell uname -r)
KVM_BUILD = $(BUILD)/kvm/$(KVM_RELEASE)

.PHONY: kvm kvm-install kvm-uninstall
kvm:
	$(SRC)/kvm/get-kernel --release $(KVM_RELEASE) $(KVM_BUILD)/kernel
	MAKEARGS='$(JOBS)' $(SRC)/kvm/build --kernel $(KVM_BUILD)/kernel \
	    $(KVM_BUILD)/modules

kvm-install:
	$(SRC)/kvm/install --release $(KVM_RELEASE)

kvm-uninstall:
	$(SRC)/kvm/install --remove
