# b2neon under PGXS: make, make install, make installcheck.
# PG_CONFIG=/path/to/pg_config builds for another PostgreSQL, CXX=clang++ with another compiler, and
# WERROR=1 takes warnings for errors.

PG_CONFIG ?= pg_config

# META.json is where the version stands.
B2NEON_VERSION = $(shell sed -n 's/^   "version": "\(.*\)",$$/\1/p' META.json)

# PGXS installs what EXTENSION names as it stands in the source tree; the control file is made.
MODULEDIR = extension
MODULE_big = b2neon
OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard src/core/*.cpp src/pg/*.cpp)))
DATA_built = build/b2neon.control build/b2neon--$(B2NEON_VERSION).sql
DATA = $(wildcard sql/b2neon--*--*.sql)
EXTRA_CLEAN = build/b2neon.control $(wildcard build/b2neon--*.sql)

REGRESS = $(patsubst test/sql/%.sql,%,$(sort $(wildcard test/sql/*.sql)))
# pg_regress looks for sql/ and expected/ in one place: test/expected is a link to expected/.
REGRESS_OPTS = --inputdir=test --outputdir=build/regress

ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --outputdir=build/isolation --load-extension=b2neon

PG_CXXFLAGS = -std=gnu++20 -fvisibility=hidden -fvisibility-inlines-hidden \
	-Wall -Wextra -Wno-register -Wno-unused-parameter -Wno-missing-field-initializers
# PostgreSQL hands on the warnings of the compiler that it was built with; clang does not know all.
PG_CXXFLAGS += -Wno-unknown-warning-option
ifdef WERROR
PG_CXXFLAGS += -Werror
endif
PG_CPPFLAGS = -I$(srcdir)/src -DB2NEON_VERSION='"$(B2NEON_VERSION)"'
# Warnings about PostgreSQL's own headers are not ours.
PG_CPPFLAGS += -isystem $(shell $(PG_CONFIG) --includedir-server)
SHLIB_LINK = -lcurl -lcrypto -lexpat -lstdc++

# Bitcode would buy nothing: PostgreSQL never inlines functions that touch static variables.
override with_llvm = no

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

build/b2neon.control: b2neon.control META.json
	@mkdir -p build
	sed 's/@VERSION@/$(B2NEON_VERSION)/' $< > $@

build/b2neon--$(B2NEON_VERSION).sql: sql/b2neon.sql
	@mkdir -p build
	cp $< $@

installcheck: build/regress build/isolation
build/regress build/isolation:
	mkdir -p $@

# A header may concern every file, and so does another PostgreSQL; the whole takes seconds.
$(OBJS): $(wildcard src/core/*.h src/pg/*.h) META.json build/built-for

.PHONY: FORCE
build/built-for: FORCE
	@mkdir -p build
	@echo '$(PG_CONFIG) $(VERSION) $(CXX)' | cmp -s - $@ || echo '$(PG_CONFIG) $(VERSION) $(CXX)' > $@
