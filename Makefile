# zsim: build, check, demo.  `make help` lists the targets.
#
# Sources are found by folder: a new file needs no line here.
# Variables: CC (gcc), OPT (-O2), CFLAGS, BUILD (build: where objects go),
# PROGRAM (zsim: what the program is called), PREFIX, DESTDIR.

ifeq ($(origin CC),default)
CC      := gcc
endif
OPT     ?= -O2
BUILD   ?= build
PROGRAM ?= zsim
PREFIX  ?= /usr/local

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wundef -Werror
# Same result on every compiler: no fused multiply-add, no reassociation.
DETERMINISM := -ffp-contract=off
# -rdynamic and -ldl: policies may also come from a shared object.
CFLAGS_ALL = -std=gnu11 $(OPT) -g $(WARNINGS) $(DETERMINISM) -I. -pthread -MMD -MP $(CFLAGS)
LIBRARIES := -llzo2 -llz4 -lzstd -lz -lgsl -lgslcblas -lcjson -lmd -lxxhash -lm -ldl -pthread

SOURCES := $(sort $(wildcard sim/*/*.c policies/*.c policies/*/*.c workloads/*.c workloads/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
MAIN    := $(BUILD)/sim/cli/main.o
LIBRARY := $(BUILD)/libzsim.a
BENCH   := $(BUILD)/bench/bench
BENCH_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard bench/*.c)))
TESTS   := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/unit/test_*.c)))

.PHONY: all help deps demo figures check check-sanitizers check-engines check-report validate unit install clean format lint \
        bench bench-full bench-check bench-record
all: $(PROGRAM)

help:
	@echo "make demo    install what is missing, build, run the shipped configs, draw the figures"
	@echo "make check   install what is missing, build, run every test"
	@echo "make validate  replay the cases of real kernels, write docs/validation.md"
	@echo "make figures  draw the figures of the docs again, from the results shipped there"
	@echo "make         build ./zsim            make unit     the C unit tests alone"
	@echo "make install PREFIX=/usr/local       make format   clang-format over all sources"
	@echo "make check-sanitizers   the unit tests under ASan and UBSan"
	@echo "make check-engines      sweeps on GNU parallel over ssh and on Slurm"
	@echo "make bench [TRACE=file] [ROUNDS=5]  speed beside the least possible, results/bench.json"
	@echo "make bench-full   the large cases (10^10 accesses, 1 TiB; hours, 12 GiB of memory)"
	@echo "make bench-check  the ratios of results/bench.json, and instruction counts, beside the recorded"
	@echo "make check-report       the page of scripts/report in a headless Chromium"
	@echo "make lint    formatting and static checks      make clean   remove build/"

$(PROGRAM): $(MAIN) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -rdynamic -o $@ $(MAIN) -Wl,--whole-archive $(LIBRARY) -Wl,--no-whole-archive $(LIBRARIES)

$(LIBRARY): $(filter-out $(MAIN),$(OBJECTS))
	@rm -f $@
	ar rcs $@ $^

# Results are addressed by the sources that made them, among other things.
HEADERS := $(sort $(wildcard sim/*.h sim/*/*.h policies/*.h policies/*/*.h workloads/*.h workloads/*/*.h))
$(BUILD)/sim/experiment/version.o: $(SOURCES) $(HEADERS)
$(BUILD)/sim/experiment/version.o: CFLAGS += \
    -DZSIM_SOURCES='"$(shell cat $(SOURCES) $(HEADERS) | sha256sum | cut -c1-16)"'

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c -o $@ $<

$(BUILD)/tests/%: tests/unit/%.c $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -o $@ $< $(LIBRARY) -lcmocka $(LIBRARIES)

$(BENCH): $(BENCH_OBJECTS) $(LIBRARY)
	$(CC) $(CFLAGS_ALL) -rdynamic -o $@ $(BENCH_OBJECTS) $(LIBRARY) $(LIBRARIES)

# Ratios against the least that the work could cost; docs/performance.md.
ROUNDS  ?= 5
TRACE   ?=
bench: $(PROGRAM) $(BENCH)
	@mkdir -p results
	$(BENCH) --zsim ./$(PROGRAM) --rounds $(ROUNDS) $(if $(TRACE),--trace '$(TRACE)') -o results/bench.json
	$(if $(TRACE),,scripts/bench-report results/bench.json)

bench-full: $(PROGRAM) $(BENCH)
	@mkdir -p results
	/usr/bin/time -v $(BENCH) --full --rounds 1 -o results/bench-full.json
	scripts/bench-host ./$(PROGRAM)

bench-check: $(PROGRAM)
	scripts/bench-check results/bench.json bench/recorded.json
	scripts/count-instructions ./$(PROGRAM)

# Take what results/bench.json and the instruction counts say now as the record.
bench-record: $(PROGRAM)
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
	$(MAKE) $(PROGRAM) $(BENCH) $(TESTS)
	scripts/run-tests $(TESTS) $(sort $(wildcard tests/cli/*.bats))

# The unit tests again, with every memory error and undefined behaviour fatal.
SANITIZED := $(TESTS:$(BUILD)/%=$(BUILD)/sanitized/%)
check-sanitizers:
	scripts/install-packages build test
	$(MAKE) BUILD=$(BUILD)/sanitized OPT=-O1 \
	    CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=all" $(SANITIZED)
	scripts/run-tests $(SANITIZED)

# Sweeps on GNU parallel over ssh and on a Slurm of one node.
check-engines:
	scripts/install-packages build test engines
	$(MAKE) $(PROGRAM)
	scripts/run-tests $(sort $(wildcard tests/engines/*.bats))

# The page of scripts/report in a headless Chromium; skipped where there is none.
check-report:
	scripts/install-packages build plot test
	$(MAKE) $(PROGRAM)
	scripts/run-tests $(sort $(wildcard tests/report/*.bats))

validate:
	scripts/install-packages build plot
	$(MAKE) $(PROGRAM)
	scripts/validate $(abspath $(PROGRAM))

# Every figure of the docs again, from the results shipped in docs/results.
figures:
	scripts/install-packages plot
	scripts/redraw

install: $(PROGRAM)
	install -D -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/zsim

format:
	clang-format -i $(wildcard sim/*/*.[ch] policies/*.[ch] policies/*/*.[ch] workloads/*.[ch] workloads/*/*.[ch] tests/unit/*.[ch] bench/*.[ch])

lint:
	scripts/lint

clean:
	rm -rf $(BUILD) $(PROGRAM)

-include $(OBJECTS:.o=.d) $(BENCH_OBJECTS:.o=.d) $(TESTS:=.d)
