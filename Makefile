# zsim: build, check, demo.  `make help` lists the targets.
#
# Sources are found by folder: a new file needs no line here.
# Variables: CC (gcc), OPT (-O2), CPPFLAGS, CFLAGS, LDFLAGS, BUILD (build: where
# objects go), PROGRAM (zsim: what the program is called), COVERED, and for install:
# DESTDIR, PREFIX (/usr/local), BINDIR, DATADIR, MANDIR, INCLUDEDIR, DOCDIR.

ifeq ($(origin CC),default)
CC      := gcc
endif
OPT     ?= -O2
BUILD   ?= build
PROGRAM ?= zsim
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc)
# A target that builds before it tests uses all processors, unless make was told.
PARALLEL = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

# `make check COVERED=yes` counts what the tests run, `make coverage` says how much it is.
# Unoptimised, each branch of the source is one.  The program stands where it finds scripts/.
ifneq ($(COVERED),)
BUILD   := build/covered
PROGRAM := zsim-covered
OPT     := -O0
CFLAGS  := --coverage
endif

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wundef -Werror
# Same result on every compiler: no fused multiply-add, no reassociation.
DETERMINISM := -ffp-contract=off
# -rdynamic and -ldl: policies may also come from a shared object.
CFLAGS_ALL = -std=gnu11 $(OPT) -g $(WARNINGS) $(DETERMINISM) -I. -pthread -MMD -MP \
             $(DEFINES) $(CPPFLAGS) $(CFLAGS) $(LATE)
LIBRARIES := -llz4 -lzstd -lz -lgsl -lgslcblas -lcjson -lmd -lxxhash -lm -ldl -pthread

# liblzo2, where it is installed, is what `zsim calibrate` measures for lzo, and what
# one test holds zsim's own counting of LZO against; HAVE_LZO= builds without it.
ifeq ($(origin HAVE_LZO),undefined)
HAVE_LZO := $(shell echo '\#include <lzo/lzo1x.h>' | $(CC) -E - >/dev/null 2>&1 && echo yes)
endif
ifneq ($(HAVE_LZO),)
LIBRARIES += -llzo2
$(BUILD)/sim/calibrate/measure_codecs.o $(BUILD)/tests/test_compressors: DEFINES = -DHAVE_LZO
endif

SOURCES := $(sort $(wildcard sim/*/*.c policies/*.c policies/*/*.c workloads/*.c workloads/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
MAIN    := $(BUILD)/sim/cli/main.o
LIBRARY := $(BUILD)/libzsim.a
BENCH   := $(BUILD)/bench/bench
BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard bench/*.c)))
TESTS   := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))

# Fuzz targets: a file each, and the one of the readers once for each format.
# FUZZ_MAIN calls them: replay.c here, libFuzzer in `make fuzz`.
FUZZ_READERS := native native2 native_compressed lackey perf_script damon oracle_general csv msr \
                blkparse
FUZZ_NAMES   := $(filter-out reader,$(patsubst tests/fuzz/target_%.c,%,$(sort $(wildcard tests/fuzz/target_*.c)))) \
                $(FUZZ_READERS:%=reader_%)
FUZZ_TARGETS := $(FUZZ_NAMES:%=$(BUILD)/targets/%)
FUZZ_MAIN    ?= tests/fuzz/replay.c
FUZZ_SHARED  := $(addprefix tests/fuzz/,fuzz.c mutate_json.c replay.c) $(wildcard tests/fuzz/*.h tests/unit/*.h)
FUZZ_SECONDS ?= 10

.PHONY: all help deps demo figures fuzz fuzz-targets published check check-sanitizers check-threads check-valgrind coverage analyze mutate check-engines check-faults check-fuzz check-report validate unit man install uninstall build-matrix clean format lint \
        bench bench-full bench-check bench-record
all: $(PROGRAM)

help:
	@echo "make demo    install what is missing, build, run the shipped configs, draw the figures"
	@echo "make check   install what is missing, build, run every test"
	@echo "make validate  replay the cases of real kernels, write docs/validation.md"
	@echo "make published  the published comparisons beside the simulator, docs/published.md"
	@echo "make figures  draw the figures of the docs again, from the results shipped there"
	@echo "make         build ./zsim            make unit     the C unit tests alone"
	@echo "make install PREFIX=/usr/local [DESTDIR=dir]   make uninstall   the same again"
	@echo "make format  clang-format over all sources"
	@echo "make build-matrix   gcc and clang, -O0 to -O3 -flto, with and without liblzo2"
	@echo "make check-sanitizers   the unit tests and quick runs under ASan and UBSan"
	@echo "make check-threads      several simulations at once under TSan"
	@echo "make check-valgrind     small tests and one run in valgrind"
	@echo "make check COVERED=yes  counts what the tests run; make coverage: in per cent"
	@echo "make analyze            gcc -fanalyzer and clang-tidy over all sources"
	@echo "make mutate             is a mistake noticed?  200 of them, one at a time"
	@echo "make fuzz [FUZZ_SECONDS=10]  each fuzz target for so long; scripts/fuzz for more"
	@echo "make check-fuzz         the kept inputs of the fuzz targets under ASan and UBSan"
	@echo "make check-engines      sweeps on GNU parallel over ssh and on Slurm"
	@echo "make bench [TRACE=file] [ROUNDS=5]  speed beside the least possible, results/bench.json"
	@echo "make bench-full   the large cases (10^10 accesses, 1 TiB; hours, 12 GiB of memory)"
	@echo "make bench-check  the ratios of results/bench.json, and instruction counts, beside the recorded"
	@echo "make check-faults       runs without memory, on full disks, killed at any moment"
	@echo "make check-report       the page of scripts/report in a headless Chromium"
	@echo "make lint    formatting and static checks      make clean   remove build/"

$(PROGRAM): $(MAIN) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -rdynamic -o $@ $(MAIN) -Wl,--whole-archive $(LIBRARY) -Wl,--no-whole-archive $(LIBRARIES)

$(LIBRARY): $(filter-out $(MAIN),$(OBJECTS))
	@rm -f $@
	$(AR) rcs $@ $^

# Results are addressed by the sources that made them, among other things.
HEADERS := $(sort $(wildcard sim/*.h sim/*/*.h policies/*.h policies/*/*.h workloads/*.h workloads/*/*.h))
$(BUILD)/sim/experiment/version.o: $(SOURCES) $(HEADERS)
$(BUILD)/sim/experiment/version.o: DEFINES = \
    -DZSIM_SOURCES='"$(shell cat $(SOURCES) $(HEADERS) | sha256sum | cut -c1-16)"'

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c -o $@ $<

$(BUILD)/tests/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< $(LIBRARY) -lcmocka $(LIBRARIES)

FUZZ_FORMAT = $(if $(filter native%,$(1)),trace,$(1))
$(BUILD)/targets/reader_%: tests/fuzz/target_reader.c $(FUZZ_SHARED) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -DTARGET='"reader_$*"' -DREADER='"$(call FUZZ_FORMAT,$*)"' -o $@ \
	    $< tests/fuzz/fuzz.c $(FUZZ_MAIN) $(FUZZ_MUTATOR) $(LIBRARY) $(LIBRARIES)

$(BUILD)/targets/%: tests/fuzz/target_%.c $(FUZZ_SHARED) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -DTARGET='"$*"' -o $@ $< tests/fuzz/fuzz.c \
	    $(FUZZ_MAIN) $(FUZZ_MUTATOR) $(LIBRARY) $(LIBRARIES)
# libFuzzer changes documents as such.
$(addprefix $(BUILD)/targets/,case config profile reader_damon result): \
    FUZZ_MUTATOR = $(if $(FUZZ_MAIN),,tests/fuzz/mutate_json.c)

# For AFL++, scripts/fuzz-command-line; not one of FUZZ_NAMES.
$(BUILD)/targets/command_line: tests/fuzz/command_line.c $(FUZZ_SHARED) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -o $@ $< tests/fuzz/fuzz.c $(LIBRARY) $(LIBRARIES)

$(BENCH): $(BENCH_OBJECTS) $(LIBRARY)
	$(CC) $(CFLAGS_ALL) $(LDFLAGS) -rdynamic -o $@ $(BENCH_OBJECTS) $(LIBRARY) $(LIBRARIES)

# Ratios against the least that the work could cost; docs/performance.md.
ROUNDS  ?= 5
TRACE   ?=
bench:
	scripts/install-packages build bench
	$(MAKE) $(PARALLEL) $(PROGRAM) $(BENCH)
	@mkdir -p results
	$(BENCH) --zsim ./$(PROGRAM) --rounds $(ROUNDS) $(if $(TRACE),--trace '$(TRACE)') -o results/bench.json
	$(if $(TRACE),,scripts/bench-report results/bench.json)

bench-full:
	scripts/install-packages build bench
	$(MAKE) $(PARALLEL) $(PROGRAM) $(BENCH)
	@mkdir -p results
	/usr/bin/time -v $(BENCH) --full --rounds 1 -o results/bench-full.json
	scripts/bench-host ./$(PROGRAM)

bench-check:
	scripts/install-packages build bench
	$(MAKE) $(PARALLEL) $(PROGRAM)
	scripts/bench-check results/bench.json bench/recorded.json
	scripts/count-instructions ./$(PROGRAM)

# Take what results/bench.json and the instruction counts say now as the record.
bench-record:
	scripts/install-packages build bench
	$(MAKE) $(PARALLEL) $(PROGRAM)
	scripts/count-instructions --record ./$(PROGRAM)
	scripts/bench-report --record results/bench.json

unit: $(TESTS)
	scripts/run-tests $(TESTS)

deps:
	scripts/install-packages build plot test

demo:
	scripts/install-packages build plot
	$(MAKE) $(PROGRAM)
	scripts/demo

check:
	scripts/install-packages build plot test
	@[ -z "$(COVERED)" ] || [ ! -d $(BUILD) ] || find $(BUILD) -name '*.gcda' -delete
	$(MAKE) $(PARALLEL) $(PROGRAM) $(BENCH) $(TESTS)
	ZSIM=$(abspath $(PROGRAM)) BENCH=$(abspath $(BENCH)) SHIPPED=$(if $(COVERED),$(abspath $(wildcard zsim))) \
	    scripts/run-tests $(TESTS) $(sort $(wildcard tests/cli/*.bats))

coverage:
	scripts/install-packages lint
	scripts/coverage

# The unit tests and the quick ones of the command line again, with every memory error
# and undefined behaviour fatal.
# Without the longest: the recorded runs of test_golden reach every era in a few seconds.
SANITIZED := $(filter-out %/test_presets,$(TESTS:$(BUILD)/%=$(BUILD)/sanitized/%))
SANITIZED_CLI := bound capture config_errors content mrc plugin run sweep threads
check-sanitizers:
	scripts/install-packages build test
	$(MAKE) $(PARALLEL) BUILD=$(BUILD)/sanitized PROGRAM=$(BUILD)/sanitized/zsim OPT=-O1 \
	    CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all" \
	    $(SANITIZED) $(BUILD)/sanitized/zsim
	ZSIM_SANITIZED=1 ZSIM=$(abspath $(BUILD))/sanitized/zsim scripts/run-tests $(SANITIZED) $(SANITIZED_CLI:%=tests/cli/%.bats)

# Simulations on several threads, every race between them fatal.
check-threads:
	scripts/install-packages build test
	$(MAKE) $(PARALLEL) BUILD=$(BUILD)/threads PROGRAM=$(BUILD)/threads/zsim OPT=-O1 \
	    CFLAGS=-fsanitize=thread $(BUILD)/threads/tests/test_threads $(BUILD)/threads/zsim
	ZSIM=$(abspath $(BUILD))/threads/zsim scripts/run-tests $(BUILD)/threads/tests/test_threads tests/cli/threads.bats

# Small tests and one run of the program in valgrind: what the compiler's own checks
# cannot see is memory that was never written.
MEMCHECK  := valgrind -q --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite
MEMCHECKED := $(patsubst %,$(BUILD)/tests/test_%,worker mm mglru config slots zram psi locks)
check-valgrind: $(PROGRAM) $(MEMCHECKED)
	for test in $(MEMCHECKED); do $(MEMCHECK) $$test || exit; done
	ZSIM_CACHE= $(MEMCHECK) ./$(PROGRAM) tests/golden/small.json -o $(BUILD)/valgrind

analyze:
	scripts/install-packages build lint
	scripts/analyze

mutate:
	scripts/install-packages build test
	nice -n 19 scripts/mutate

# docs/testing.md, "Fuzzing".  The library is built for it: small buffers, no checksums.
FUZZING := CPPFLAGS=-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
fuzz-targets: $(FUZZ_TARGETS)
# Comparisons are watched where numbers lie in the input as bytes.  Text does not have
# them, its words are found by what strcmp() and memcmp() are given, and a simulation has
# nothing to guess: the rest is up to six times as fast without.
$(filter-out $(BUILD)/workloads/readers/native% $(BUILD)/workloads/readers/oracle%,$(OBJECTS)): \
    LATE = $(UNWATCHED)
# What only checks is no place to look for new paths.
$(BUILD)/sim/run/invariants.o: LATE = $(CHECKING)
fuzz:
	scripts/install-packages build fuzz
	$(MAKE) $(PARALLEL) $(PROGRAM)
	$(MAKE) $(PARALLEL) BUILD=$(BUILD)/fuzz CC=clang FUZZ_MAIN= LDFLAGS=-fsanitize=fuzzer $(FUZZING) \
	    CHECKING=-fno-sanitize=fuzzer-no-link UNWATCHED=-fno-sanitize-coverage=trace-cmp \
	    CFLAGS="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" fuzz-targets
	scripts/fuzz --seconds $(FUZZ_SECONDS)

# The kept inputs again, without libFuzzer.
check-fuzz:
	scripts/install-packages build
	$(MAKE) $(PARALLEL) BUILD=$(BUILD)/replayed OPT=-O1 $(FUZZING) \
	    CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all" fuzz-targets
	scripts/run-tests $(FUZZ_NAMES:%=$(BUILD)/replayed/targets/%)

# Sweeps on GNU parallel over ssh and on a Slurm of one node.
check-engines:
	scripts/install-packages build test engines
	$(MAKE) $(PROGRAM)
	scripts/run-tests $(sort $(wildcard tests/engines/*.bats))

# Runs whose memory, disk, calls, clock and life are taken away.
check-faults:
	scripts/install-packages build test
	$(MAKE) $(PROGRAM)
	scripts/run-tests $(sort $(wildcard tests/faults/*.bats))

# The page of scripts/report in a headless Chromium; skipped where there is none.
check-report:
	scripts/install-packages build plot test
	$(MAKE) $(PROGRAM)
	scripts/run-tests $(sort $(wildcard tests/report/*.bats))

published:
	scripts/install-packages build plot
	$(MAKE) $(PARALLEL) $(PROGRAM)
	scripts/published $(abspath $(PROGRAM))

validate:
	scripts/install-packages build plot
	$(MAKE) $(PROGRAM)
	scripts/validate $(abspath $(PROGRAM))

# Every figure of the docs again, from the results shipped in docs/results.
figures:
	scripts/install-packages plot
	scripts/redraw

# Manual pages: docs/zsim.1, and those that the program prints from its tables.
MANUALS := $(BUILD)/man/zsim-config.5 $(BUILD)/man/zsim-metrics.5
$(BUILD)/man/zsim-config.5: FLAGS = --mdoc
$(BUILD)/man/zsim-metrics.5: FLAGS = --mdoc --metrics
$(MANUALS): $(PROGRAM)
	@mkdir -p $(@D)
	./$(PROGRAM) schema $(FLAGS) >$@.new && mv $@.new $@
man: $(MANUALS)

# Under share/zsim lies what is used from where it is: the tree there is that of
# the sources, so that the names in configs, scripts and documents hold.
BINDIR     ?= $(PREFIX)/bin
DATADIR    ?= $(PREFIX)/share
MANDIR     ?= $(DATADIR)/man
INCLUDEDIR ?= $(PREFIX)/include
DOCDIR     ?= $(DATADIR)/doc/zsim
SHARED     := $(sort $(wildcard configs/*.json configs/*/*.json docs/example-policy/*.* \
              scripts/help.bash scripts/figures/* scripts/engines/* scripts/replay/* scripts/report-page/*.* scripts/report-page/hover/* \
              workloads/traces/*))
SCRIPTS    := $(addprefix scripts/,plot report sweep replay-kernel emulate-kernel)
# What a policy may see; the rest of the headers is for zsim's own files.
INTERFACE  := $(filter-out sim/cli/% sim/experiment/% workloads/capture/% workloads/analysis/% \
              workloads/generators/% workloads/readers/% workloads/trace_%,$(HEADERS))
COMPLETION := $(DATADIR)/bash-completion/completions
DOCUMENTS  := README.md CHANGELOG.md CITATION.cff LICENSE docs/tutorial.json $(sort $(wildcard docs/*.md))
PUT        := install -D -m 644

install: $(PROGRAM) $(MANUALS)
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(BINDIR)/zsim
	$(PUT) docs/zsim.1 $(DESTDIR)$(MANDIR)/man1/zsim.1
	for page in $(MANUALS); do $(PUT) $$page $(DESTDIR)$(MANDIR)/man5/$${page##*/} || exit; done
	$(PUT) scripts/completion.bash $(DESTDIR)$(COMPLETION)/zsim
	for file in $(SHARED); do $(PUT) $$file $(DESTDIR)$(DATADIR)/zsim/$$file || exit; done
	for file in $(SCRIPTS); do install -D -m 755 $$file $(DESTDIR)$(DATADIR)/zsim/$$file || exit; done
	ln -sfr $(DESTDIR)$(BINDIR)/zsim $(DESTDIR)$(DATADIR)/zsim/zsim
	for file in $(INTERFACE); do $(PUT) $$file $(DESTDIR)$(INCLUDEDIR)/zsim/$$file || exit; done
	for file in $(DOCUMENTS); do $(PUT) $$file $(DESTDIR)$(DOCDIR)/$$file || exit; done

# These directories hold nothing but what was installed.
uninstall:
	rm -f $(DESTDIR)$(BINDIR)/zsim $(DESTDIR)$(MANDIR)/man1/zsim.1 \
	    $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(MANUALS))) $(DESTDIR)$(COMPLETION)/zsim
	rm -rf $(DESTDIR)$(DATADIR)/zsim $(DESTDIR)$(INCLUDEDIR)/zsim $(DESTDIR)$(DOCDIR)

format:
	clang-format -i $(wildcard sim/*/*.[ch] policies/*.[ch] policies/*/*.[ch] workloads/*.[ch] workloads/*/*.[ch] tests/unit/*.[ch] bench/*.[ch])

lint:
	scripts/lint

build-matrix:
	scripts/install-packages build test
	scripts/build-matrix

clean:
	rm -rf $(BUILD) $(PROGRAM) zsim-covered

-include $(OBJECTS:.o=.d) $(BENCH_OBJECTS:.o=.d) $(TESTS:=.d)
