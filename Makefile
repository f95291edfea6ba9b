# casepack. `make demo` and `make test` are all that a newcomer needs to know.
#
#   make            build build/plain/casepack
#   make demo       install what is missing, build, play a whole round on samples/
#   make test       install what is missing, build, run every test
#   make check      the same tests, nothing installed; SANITIZE=address,undefined too
#   make bench      figures, beside the unavoidable work
#   make install    PREFIX=/usr/local, DESTDIR=

PREFIX  ?= /usr/local
CC      ?= cc
VERSION := 0.1.0

# SANITIZE=address,undefined builds beside the plain objects, never over them.
SANITIZE ?=
comma    := ,
BUILD    := build/$(if $(SANITIZE),$(subst $(comma),-,$(SANITIZE)),plain)

PKGS := sqlite3 libgit2 libzstd libarchive libsodium libssh jansson libutf8proc
WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wno-format-zero-length
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CFLAGS ?= -O2 -g
override CFLAGS += -std=c17 $(WARN) -ffile-prefix-map=$(CURDIR)=. $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer -Wno-format-truncation)
override CPPFLAGS += -D_GNU_SOURCE -I. -I$(BUILD)/gen -DCP_VERSION='"$(VERSION)"' $(PKG_CFLAGS)
LIBS = $(PKG_LIBS) -lcsv -lpthread -lm

LIB_SRC   := $(sort $(wildcard formats/*.c sync/*.c))
CLI_SRC   := $(sort $(wildcard cli/*.c))
UNITS     := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard tests/unit/*.c))) $(BUILD)/unit/disk $(BUILD)/unit/powercut
DISK_SRC  := $(addprefix tests/sim/,disk.c disk_calls.c disk_drop.c)
FUZZ_SRC  := $(sort $(filter-out tests/fuzz/replay.c,$(wildcard tests/fuzz/*.c)))
DAMAGES   := $(patsubst tests/damage/%.c,$(BUILD)/tests/damage/%,$(sort $(wildcard tests/damage/*.c)))
REPLAYS   := $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/replay/%)

all: layers $(BUILD)/casepack

$(BUILD)/casepack: $(CLI_SRC:%.c=$(BUILD)/%.o) $(BUILD)/libcasepack.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libcasepack.a: $(LIB_SRC:%.c=$(BUILD)/%.o)
	@rm -f $@
	ar rcs $@ $^

# The schema is real SQL that `sqlite3` reads; the program carries it as text.
$(BUILD)/gen/schema.h: $(wildcard sync/schema/*.sql)
	@mkdir -p $(@D)
	@for f in $^; do n=$$(basename $$f | sed 's/^0*\([0-9]*\).*/\1/'); \
	  echo "static const char cp_schema_$$n[] ="; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $$f; echo ";"; done > $@

$(BUILD)/sync/migrate.o: $(BUILD)/gen/schema.h

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The command line's objects but main, for the unit tests of what they share.
$(BUILD)/libcli.a: $(filter-out $(BUILD)/cli/main.o,$(CLI_SRC:%.c=$(BUILD)/%.o))
	@rm -f $@
	ar rcs $@ $^

$(BUILD)/unit/%: tests/unit/%.c $(wildcard tests/unit/*.h) $(BUILD)/libcli.a $(BUILD)/libcasepack.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libcli.a $(BUILD)/libcasepack.a $(LIBS) -lcmocka

# Programs whose calls to libc go through tests/sim's disk.
$(BUILD)/unit/disk: tests/sim/disk_test.c
$(BUILD)/unit/powercut: tests/sim/powercut.c $(BUILD)/tests/sim/steps.o
$(BUILD)/unit/disk $(BUILD)/unit/powercut: $(DISK_SRC:%.c=$(BUILD)/%.o) $(BUILD)/libcasepack.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c,$^) $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -lcmocka

# Those of tests/damage draw their chance from the simulator's.
$(BUILD)/tests/damage/%: tests/damage/%.c $(wildcard tests/damage/*.h tests/fuzz/*.h) $(BUILD)/tests/sim/chance.o $(BUILD)/libcasepack.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=clock_gettime -o $@ $(filter %.c %.o %.a,$^) $(LIBS)

$(BUILD)/tests/%: tests/%.c $(BUILD)/libcasepack.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libcasepack.a $(LIBS)

# The fuzz targets without a fuzzer, over tests/fuzz/corpus; some replace the product's clock.
$(BUILD)/replay/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) $(BUILD)/tests/fuzz/replay.o $(BUILD)/tests/sim/chance.o $(BUILD)/libcasepack.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=clock_gettime -o $@ $(filter %.c %.o %.a,$^) $(LIBS)

# The simulator replaces the product's clock.
SIM_SRC := $(addprefix tests/sim/,chance.c cut.c deeds_carry.c deeds_copies.c deeds_decide.c deeds_hub.c deeds_lead.c deeds_rater.c \
	deeds_relay.c deeds_trust.c dump.c settle.c sim.c world.c) $(DISK_SRC)
$(BUILD)/sim: $(SIM_SRC:%.c=$(BUILD)/%.o) $(BUILD)/libcasepack.a
	$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=clock_gettime -o $@ $^ $(LIBS)

# So does the swap of gold and other cases.
$(BUILD)/tests/blind/driver: tests/blind/driver.c $(BUILD)/tests/sim/chance.o $(BUILD)/libcasepack.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=clock_gettime -o $@ $< $(BUILD)/tests/sim/chance.o $(BUILD)/libcasepack.a $(LIBS)

layers: # an include that points upward stops the build
	@! grep -nE '^#include ["<](sync/|cli/|git2|sqlite3)' formats/*.[ch]
	@! grep -nE '^#include ["<](cli/|archive|zstd)' sync/*.[ch]
	@! grep -nE '^#include ["<](sqlite3|git2|archive|zstd)' cli/*.[ch]
	@! grep -n 'cp_bundle_begin(' $(filter-out sync/parcel.c,$(wildcard sync/*.c cli/*.c)) # none goes out unsearched

# ---- tests ---------------------------------------------------------------------------

test: setup
	@$(MAKE) --no-print-directory check

DRIVERS := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/driver.c)))

check: all $(UNITS) $(DRIVERS) $(REPLAYS) $(DAMAGES) $(BUILD)/sim
	@tests/run $(BUILD) '$(TEST)'

BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(sort $(wildcard tests/bench/*.c)))
$(BUILD)/bench/%: tests/bench/%.c $(BUILD)/libcasepack.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $< $(BUILD)/libcasepack.a $(LIBS)

bench: all $(BENCHES)
	@tests/bench/run $(BUILD)

# ---- a first look --------------------------------------------------------------------

demo: setup
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory install PREFIX=$(CURDIR)/build/demo/installed >/dev/null
	@samples/demo.sh

# Says what it will install before it does; installs no service.
DEBIAN := gcc make pkg-config libsqlite3-dev libgit2-dev libzstd-dev libarchive-dev libsodium-dev libssh-dev \
	libjansson-dev libcsv-dev libutf8proc-dev libcmocka-dev git openssh-client sqlite3 zstd jq python3 patch \
	diffutils mandoc tmux strace age faketime cmark-gfm

setup:
	@if ! command -v dpkg-query >/dev/null; then \
	  pkg-config --exists $(PKGS) && exit 0; \
	  echo "casepack: libraries are missing; README.md names the packages for dnf, pacman and brew" >&2; exit 1; fi; \
	missing=; for p in $(DEBIAN); do \
	  dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; done; \
	[ -n "$$missing" ] || exit 0; \
	line="apt-get install -y --no-install-recommends$$missing"; \
	if [ "$$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as="sudo -n"; else \
	  echo "casepack needs packages that are missing. Run this, then the same command again:" >&2; \
	  echo "    sudo $$line" >&2; exit 1; fi; \
	echo "casepack installs:$$missing"; \
	$$as apt-get update -qq; DEBIAN_FRONTEND=noninteractive $$as $$line

# ---- installing ----------------------------------------------------------------------

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions
	install -m 755 $(BUILD)/casepack $(DESTDIR)$(PREFIX)/bin/casepack
	$(BUILD)/casepack man > $(DESTDIR)$(PREFIX)/share/man/man1/casepack.1
	$(BUILD)/casepack completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/casepack
	$(BUILD)/casepack completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_casepack
	install -d $(DESTDIR)$(PREFIX)/share/casepack/audit
	install -m 755 samples/audit/verify.py $(DESTDIR)$(PREFIX)/share/casepack/audit/verify.py
	install -m 644 samples/audit/README.md samples/audit/recipes.md $(DESTDIR)$(PREFIX)/share/casepack/audit

# ---- the long ones -------------------------------------------------------------------

# Every fuzz target for SECONDS_EACH, with clang's libFuzzer; corpora grow in build/fuzz/corpus. Then what runs
# without them, and longer than in `make test`; last the simulator on SEEDS, without end unless they have one.
# `make corpus` puts to the corpora that are kept what these, and real runs (tests/fuzz/seeds.py), reach beyond them.
SECONDS_EACH ?= 60
SEEDS ?= 301-
FUZZ_ENV := ASAN_OPTIONS=malloc_context_size=8 LSAN_OPTIONS=suppressions=tests/tools/lsan.supp:print_suppressions=0
campaign: $(FUZZ_SRC:tests/fuzz/%.c=build/fuzz/%) | all $(DRIVERS) $(DAMAGES) $(BUILD)/sim
	@for t in $^; do n=$$(basename $$t); mkdir -p build/fuzz/corpus/$$n; \
	  echo "== $$n"; $(FUZZ_ENV) $$t -max_total_time=$(SECONDS_EACH) -verbosity=0 -print_final_stats=1 -entropic=0 \
	    -artifact_prefix=build/fuzz/ build/fuzz/corpus/$$n tests/fuzz/corpus/$$n || exit 1; done
	@$(BUILD)/tests/damage/bits whole
	@$(MAKE) --no-print-directory SANITIZE=address,undefined build/address-undefined/tests/damage/changesets
	@build/address-undefined/tests/damage/changesets 2 100000
	@python3 tests/tree/crosscheck.py --driver $(BUILD)/tests/tree/driver --runs 20000 --seed 2
	@$(MAKE) --no-print-directory $(BUILD)/unit/powercut
	@POWERCUT_SEEDS=6 $(BUILD)/unit/powercut
	@CASEPACK=$(BUILD)/casepack bash tests/forks/forks.sh --whole
	@CASEPACK=$(BUILD)/casepack ADVERSARY_EVERY=1 bash tests/adversary/run.sh
	@CASEPACK=$(BUILD)/casepack TAMPER_EVERY=1 bash tests/tamper/run.sh
	@CASEPACK=$(BUILD)/casepack TAMPER_EVERY=3 bash tests/tamper/run.sh --remembered
	@tests/sim/planted.sh $(BUILD)
	@python3 tests/sim/run.py --sim $(BUILD)/sim --seeds $(SEEDS) --shrink

corpus: all $(FUZZ_SRC:tests/fuzz/%.c=build/fuzz/%)
	@CASEPACK=$(CURDIR)/$(BUILD)/casepack python3 tests/fuzz/seeds.py build/fuzz/corpus
	@for t in $(filter build/fuzz/%,$^); do n=$$(basename $$t); mkdir -p build/fuzz/corpus/$$n tests/fuzz/corpus/$$n; \
	  $(FUZZ_ENV) $$t -set_cover_merge=1 -use_counters=0 -verbosity=0 -max_len=4096 tests/fuzz/corpus/$$n build/fuzz/corpus/$$n || exit 1; done

build/fuzz/%: tests/fuzz/%.c
	@mkdir -p $(@D)
	@$(MAKE) --no-print-directory BUILD=build/fuzz/lib CC=clang CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined" \
	  build/fuzz/lib/libcasepack.a build/fuzz/lib/tests/sim/chance.o
	clang $(CPPFLAGS) -Ibuild/fuzz/lib/gen -std=c17 -O1 -g -fsanitize=fuzzer,address,undefined -Wl,--wrap=clock_gettime -o $@ $< \
	  build/fuzz/lib/tests/sim/chance.o build/fuzz/lib/libcasepack.a $(LIBS)

clean:
	rm -rf build

.PHONY: all layers test check bench demo setup install campaign corpus clean
.SECONDARY:
.DELETE_ON_ERROR:

-include $(LIB_SRC:%.c=$(BUILD)/%.d) $(CLI_SRC:%.c=$(BUILD)/%.d) $(DISK_SRC:%.c=$(BUILD)/%.d) $(BUILD)/tests/sim/steps.d $(SIM_SRC:%.c=$(BUILD)/%.d)
