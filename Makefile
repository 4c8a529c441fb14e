# Convenience around configure, ninja and meson; RAMINATE_BUILD is set by the
# Makefile that configure writes to a build directory.
# SPDX-License-Identifier: GPL-2.0-or-later

SRC := $(patsubst %/,%,$(dir $(realpath $(lastword $(MAKEFILE_LIST)))))
BUILD := $(abspath $(or $(RAMINATE_BUILD),$(SRC)/build))
SETUP := $(SRC)/scripts/setup
CONFIG := $(BUILD)/config.mk

# The options -jN of make are handed to ninja, which else takes all cores.
JOBS = $(filter-out -j,$(filter -j%,$(MAKEFLAGS)))
export RAMINATE_JOBS = $(JOBS)
export RAMINATE_BUILD := $(BUILD)
# As with QEMU: slow has tests that quick leaves out.
SPEED = quick
export RAMINATE_SPEED = $(SPEED)
export NINJA

# Programs are built for the place where they will be.
ifeq ($(origin prefix),command line)
$(error 'prefix=$(prefix)' comes too late for make; set it by ./configure \
        --prefix=$(prefix), or put the files below another root by DESTDIR)
endif

RUN_NINJA = $(NINJA) -C $(BUILD) $(JOBS)
RUN_TESTS = $(PYTHON) $(SETUP)/run-tests.py $(BUILD)

.PHONY: all install uninstall dist deb \
        check check-unit check-qtest check-guest check-tools check-nested \
        check-nodes check-kvm check-libvirt check-packages check-asan \
        check-ubsan check-load check-tsan check-flaws soak soak-nested \
        soak-nodes fuzz \
        bench bench-full bench-nested bench-peers bench-peers-backports \
        bench-peers-guests bench-cost bench-huge bench-moves bench-scale \
        bench-hostile demo demo-nested demo-nodes \
        clean distclean help

all:
	$(RUN_NINJA)

# What does no work needs no configuration.
ifneq ($(filter-out help clean distclean dist deb kvm-install kvm-uninstall,$(or $(MAKECMDGOALS),all)),)
include $(CONFIG)
endif

# Ninja leaves none if it is interrupted while it configures.
NINJA_FILES := $(BUILD)/build.ninja $(BUILD)/qemu/build.ninja
.PHONY: interrupted
$(CONFIG): $(if $(filter-out $(wildcard $(NINJA_FILES)),$(NINJA_FILES)),interrupted)

$(CONFIG): $(SRC)/configure $(wildcard $(SETUP)/*.sh) $(SETUP)/requirements \
           $(SRC)/qemu/series $(SRC)/patches/qemu $(SRC)/patches/qemu/fixes \
           $(wildcard $(SRC)/patches/qemu/*.patch \
                      $(SRC)/patches/qemu/fixes/*.patch)
	@if [ -x $(BUILD)/config.status ]; then \
	    $(BUILD)/config.status; \
	else \
	    cd $(SRC) && ./configure; \
	fi

# What was installed from here, so that it can be removed
INSTALLED = $(BUILD)/installed.json
install: all
	$(PYTHON) $(SETUP)/install.py $(BUILD) $(INSTALLED)

uninstall:
	$(PYTHON) $(SETUP)/install.py --remove $(BUILD) $(INSTALLED)

dist:
	$(SETUP)/dist $(BUILD)

deb: dist
	$(SETUP)/deb $(BUILD)

check: all
	$(RUN_TESTS)

check-unit check-qtest check-guest check-tools check-nested check-kvm \
check-libvirt check-packages:
	$(RUN_TESTS) --suite $(@:check-%=%) $(T)

# A part of check-nested, whole, and some of it on the newest kernel
check-nodes: SPEED = slow
check-nodes: all
	$(RUN_TESTS) --suite nested test_nodes test_nodes_backports \
	    test_cxl test_cxl_backports

# Makes packages for two releases of Debian, which takes long.
check-packages: SPEED = slow

# The tests of load, in their long form: more objects, more VMs, a longer day.
check-load: SPEED = slow
check-load: all
	cd $(BUILD)/qemu && QTEST_QEMU_BINARY=./qemu-system-x86_64 \
	    tests/qtest/raminate/raminate-load-test -m slow -k
	$(PYTHON) $(SRC)/tests/tools/test_long_run.py

# The same tests on a build of its own, with sanitizers.
ASAN := $(BUILD)/asan
check-asan: $(ASAN)/config.mk
	$(MAKE) -C $(ASAN) check-sanitized

$(ASAN)/config.mk: $(CONFIG)
	mkdir -p $(ASAN)
	cd $(ASAN) && $(SRC)/configure --enable-asan \
	    $(if $(filter no,$(INSTALL_PACKAGES)),--no-install)

.PHONY: check-sanitized
check-sanitized:
	$(RUN_TESTS) --suite unit --suite qtest --suite guest \
	    --patience 5 $(T)

# The sanitizer of clang sees what that of gcc does not.  The compiler takes
# variables that are there to be cleaned up for unused ones.
UBSAN := $(BUILD)/ubsan
check-ubsan: $(UBSAN)/build.ninja
	$(PYTHON) $(SETUP)/run-tests.py $(UBSAN) --suite unit $(T)

$(UBSAN)/build.ninja: $(CONFIG)
	@command -v clang >/dev/null || \
	    { echo 'check-ubsan: clang is missing; install it' >&2; exit 1; }
	CC=clang $(PYTHON) -m mesonbuild.mesonmain setup --wipe \
	    -Dbuildtype=debugoptimized -Db_sanitize=undefined -Db_lundef=false \
	    -Dc_args=-Wno-unused-variable \
	    $(UBSAN) $(SRC)

# Where there are threads.  QEMU takes a semaphore or a barrier for a lock here
# and there; see tests/tsan-suppressions.
TSAN := $(BUILD)/tsan
TSAN_TESTS := test-cache test-recorder
TSAN_TESTS += $(patsubst %,raminate-%-test,balloon budget budget-faults faults \
                nodes nodes-astray nodes-faults nodes-huge nodes-pools objects \
                objects-uses page placer query record refused settings stats \
                storage swap unplug)
check-tsan: $(TSAN)/config.mk
	$(MAKE) -C $(TSAN) check-races

$(TSAN)/config.mk: $(CONFIG)
	mkdir -p $(TSAN)
	cd $(TSAN) && $(SRC)/configure --enable-tsan \
	    $(if $(filter no,$(INSTALL_PACKAGES)),--no-install)

.PHONY: check-races
TSAN_OPTIONS = suppressions=$(SRC)/tests/tsan-suppressions
check-races: $(BUILD)/tsan-glib.so
	G_SLICE=always-malloc LD_PRELOAD=$< \
	TSAN_OPTIONS='$(TSAN_OPTIONS) report_signal_unsafe=0 die_after_fork=0' \
	    $(RUN_TESTS) --patience 10 $(or $(T),$(TSAN_TESTS))

$(BUILD)/tsan-glib.so: $(SRC)/tests/tsan-glib.c
	$(CC) -Wall -Wextra -Werror -O2 -shared -fPIC \
	    $$(pkg-config --cflags glib-2.0) $< -o $@

# Negative controls of what make check has of QEMU; T may name several.
check-flaws: all
	$(PYTHON) $(SRC)/tests/flaws/check $(T)

# Seconds; an hour is the long form.
DURATION = 600
soak: all
	$(PYTHON) $(SRC)/tests/guest/soak.py --duration $(DURATION) \
	    $(if $(T),--only '$(T)')

# So many times 3000 pairs by policy, and as many by command
ROUNDS = 20
soak-nested: all
	RAMINATE_ROUNDS=$(ROUNDS) \
	    $(PYTHON) $(SRC)/tests/nested/test_qemu.py no_write_is_lost

soak-nodes: all
	RAMINATE_ROUNDS=$(ROUNDS) \
	    $(PYTHON) $(SRC)/tests/nested/test_nodes.py no_write_is_lost

# The programs of tests/fuzz, each for SECONDS, or only that which T names.
FUZZ := $(BUILD)/fuzz
SECONDS ?= 60
fuzz: $(FUZZ)/build.ninja
	$(NINJA) -C $(FUZZ) $(JOBS) fuzz-programs
	$(PYTHON) $(SRC)/tests/fuzz/run $(FUZZ) --seconds $(SECONDS) \
	    $(if $(T),--only $(T))

$(FUZZ)/build.ninja: $(CONFIG)
	$(SETUP)/need fuzz
	CC=afl-clang-fast $(PYTHON) -m mesonbuild.mesonmain setup --wipe \
	    -Dbuildtype=debugoptimized -Db_sanitize=address,undefined \
	    -Db_lundef=false \
	    -Dc_args='-Wno-unused-variable -fno-sanitize-recover=all' \
	    $(FUZZ) $(SRC)

include $(SRC)/kvm/targets.mk

demo: all
	$(SRC)/scripts/demo

demo-nested: all
	$(SRC)/scripts/demo-nested

demo-nodes: all
	$(SRC)/scripts/demo-nested --on-nodes

# What it measures does not depend on the speed of the machine.
bench: all
	$(PYTHON) $(SRC)/bench/run

bench-full: all
	$(PYTHON) $(SRC)/bench/run --full

bench-nested: all
	$(PYTHON) $(SRC)/bench/nested -o $(SRC)/docs/evaluation/nested.md

bench-peers: all
	$(PYTHON) $(SRC)/bench/peers

bench-peers-backports: all
	$(PYTHON) $(SRC)/bench/peers --backports

bench-peers-guests: all
	$(PYTHON) $(SRC)/bench/peers --guests 2

bench-cost: all
	$(PYTHON) $(SRC)/tests/nested/bench_cost.py

bench-huge: all
	$(PYTHON) $(SRC)/bench/huge

bench-moves: all
	$(PYTHON) $(SRC)/bench/moves

# Times, but side by side with those of an earlier build.
bench-scale: all
	$(PYTHON) $(SRC)/bench/scale $(if $(BASE),--base $(BASE)) \
	    $(if $(FULL),--full=$(FULL))

bench-hostile: all
	$(PYTHON) $(SRC)/bench/hostile

clean:
	if [ -e $(BUILD)/build.ninja ]; then ninja -C $(BUILD) -t clean; fi
	if [ -e $(BUILD)/qemu/build.ninja ]; then \
	    ninja -C $(BUILD)/qemu -t clean; fi
	rm -rf $(ASAN) $(UBSAN) $(TSAN) $(FUZZ) $(BUILD)/flaws

# QEMU's source is shared by all build directories.  A tree of it with a
# repository of its own is somebody's work.
distclean:
ifeq ($(BUILD),$(SRC)/build)
	rm -rf $(BUILD) $(SRC)/qemu/src.new $(SRC)/qemu/src.old
	rm -rf $(SRC)/qemu/download $(SRC)/qemu/download.new $(SRC)/qemu/.lock
	[ -e $(SRC)/qemu/src/.git ] || rm -rf $(SRC)/qemu/src
else
	cd $(BUILD) && rm -rf asan ubsan tsan fuzz flaws bench libvirt* qemu \
	    kernel* tests tools deb packages installed.json *.tar.xz meson-* *.p *.a *.stamp config* apt.log build.ninja compile_commands.json \
	    .ninja_* Makefile
endif

help:
	@echo 'make               build QEMU with RAMinate, and the tools'
	@echo 'make install       install them; DESTDIR=DIR below DIR'
	@echo 'make uninstall     remove what was installed, with the same DESTDIR'
	@echo 'make dist          make a tarball of the source, in the build directory'
	@echo 'make deb           make packages for Debian, in the build directory'
	@echo 'make demo          build and run the demonstration'
	@echo 'make demo-nested   the same with the KVM extension, in an emulated host'
	@echo 'make demo-nodes    the same on NUMA nodes of an emulated host, whose'
	@echo '                   kernel is the distribution'"'"'s own'
	@echo 'make check         build and run the tests'
	@echo '                   SPEED=slow also those that take long; for the suites'
	@echo '                   below, too'
	@echo 'make bench-nested  policies on KVM in an emulated host, by the traffic'
	@echo 'make bench-peers   RAMinate beside NUMA balancing and DAMON, on NUMA nodes'
	@echo 'make bench-peers-guests'
	@echo '                   the same with two guests that share the nodes'
	@echo 'make bench-cost    count what scans and swaps cost in KVM'
	@echo 'make bench-huge    count what moving and splitting huge pages costs'
	@echo 'make bench-moves   count what exchanges cost by move_pages and by mmap'
	@echo 'make bench-scale   measure what large guests cost, and did before;'
	@echo '                   BASE=DIR takes the earlier build from there,'
	@echo '                   FULL=now simulates ten hours as well'
	@echo 'make bench-hostile what guests that mean harm make the placer take'
	@echo 'make bench         compare the policies on recorded workloads'
	@echo 'make kvm           build the KVM extension for the running kernel'
	@echo 'make kvm-install   build and install it, and for later kernels (DKMS)'
	@echo 'make kvm-uninstall take it away again'
	@echo 'make check-unit    tests of the policies; need no QEMU'
	@echo 'make check-qtest   tests of the QEMU objects and commands'
	@echo 'make check-guest   tests with running guests'
	@echo 'make check-tools   tests of the tools'
	@echo 'make check-nested  tests with the KVM extension in an emulated host'
	@echo 'make check-nodes   only those with tiers that are NUMA nodes'
	@echo 'make check-kvm     tests of its source, its installation, and on Linux 6.1'
	@echo 'make check-libvirt tests with libvirt, which it gets but does not install'
	@echo 'make check-packages packages for Debian 12 and 13: made, installed, purged'
	@echo 'make check-load    a thousand objects, 32 VMs, a simulated day'
	@echo 'make check-asan    unit tests, qtests and guest tests with sanitizers'
	@echo 'make check-ubsan   unit tests with the sanitizer of clang'
	@echo 'make check-tsan    tests of what has threads, with the sanitizer for them'
	@echo '                   T=NAME runs that one test of a suite'
	@echo 'make check-flaws   plant flaws into QEMU, one at a time: tests have to fail;'
	@echo '                   T=NAME plants only that'
	@echo 'make soak          swap pages of guests without pause, for DURATION=600'
	@echo '                   seconds; T=TEXT only those with TEXT in their name'
	@echo 'make soak-nested   the same with the KVM extension, for ROUNDS=20'
	@echo 'make soak-nodes    the same with tiers that are NUMA nodes'
	@echo 'make fuzz          feed parsers and engine with any bytes, by AFL++, each'
	@echo '                   for SECONDS=N (60); T=NAME for only one of them'
	@echo 'make clean         remove what was compiled'
	@echo 'make distclean     remove the build directory and QEMU'"'"'s source'
	@echo ''
	@echo 'Each but the last two configures first, if need be.'
