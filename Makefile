# casepack. `make demo` and `make test` are all that a newcomer needs to know.

PREFIX  ?= /usr/local
CC      ?= cc
VERSION := 0.1.0

# SANITIZE=address,undefined builds beside the plain objects, never over them.
SANITIZE ?=
comma    := ,
BUILD    := build/$(if $(SANITIZE),$(subst $(comma),-,$(SANITIZE)),plain)

PKGS := sqlite3 libgit2 libzstd libarchive libsodium libssh jansson libutf8proc
WARN := -Wall -Wextra -Wconversion -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes
CFLAGS ?= -O2 -g
override CFLAGS += -std=c17 $(WARN) -ffile-prefix-map=$(CURDIR)=. $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)
override CPPFLAGS += -D_GNU_SOURCE -I. -I$(BUILD)/gen -DCP_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LIBS = $(shell pkg-config --libs $(PKGS)) -lcsv -lpthread

LIB_SRC  := $(sort $(wildcard formats/*.c sync/*.c))
CLI_SRC  := $(sort $(wildcard cli/*.c))
UNIT_SRC := $(sort $(wildcard tests/unit/*.c))
UNITS    := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)

all: $(BUILD)/casepack

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

$(BUILD)/sync/store.o: $(BUILD)/gen/schema.h

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libcasepack.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(BUILD)/libcasepack.a $(LIBS) -lcmocka

units: $(UNITS)

layers: # an include that points upward stops the build
	@! grep -nE '^#include ["<](sync/|cli/|git2|sqlite3)' formats/*.[ch]
	@! grep -nE '^#include ["<](cli/|archive|zstd)' sync/*.[ch]
	@! grep -nE '^#include ["<](sqlite3|git2|archive|zstd)' cli/*.[ch]

clean:
	rm -rf build

.PHONY: all units layers clean
.SECONDARY:

-include $(LIB_SRC:%.c=$(BUILD)/%.d) $(CLI_SRC:%.c=$(BUILD)/%.d)
