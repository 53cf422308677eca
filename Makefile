# `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
SOAK_SECONDS ?= 7200
BPF_OBJECTS := bpf/portgauge.bpf.o bpf/return_values.bpf.o
EMPTY := Benchmarks/empty.bpf.o
RELEASE := .build/release/portgauge

# One file that needs only the C and C++ runtime; lld, because only it packs the relocations and
# folds equal code, which together saves a tenth; and without tables for unwinding.
RELEASE_FLAGS := -c release --static-swift-stdlib -Xswiftc -use-ld=lld \
	-Xlinker --icf=safe -Xlinker -z -Xlinker pack-relative-relocs -Xlinker -s \
	-Xlinker --no-eh-frame-hdr -Xlinker -T -Xlinker $(CURDIR)/scripts/release.ld
SWIFT_SOURCES := Package.swift Sources Tests Benchmarks schema/main.swift scripts/manual.swift
C_SOURCES := $(wildcard bpf/*.[ch] Sources/CPortgauge/*.c Sources/CPortgauge/include/*.h \
	Benchmarks/*.c Benchmarks/*/*.[ch] Benchmarks/*/include/*.h)
# The Swift toolchain's own where it comes with one.
CLANG_FORMAT := $(firstword $(wildcard /opt/swift/usr/bin/clang-format) /usr/bin/clang-format)

# Where the man page and the shell completions are made, as they lie below a prefix.
SHARE := .build/share
PAGE := man/man1/portgauge.1
BASH := bash-completion/completions/portgauge
ZSH := zsh/site-functions/_portgauge
FISH := fish/vendor_completions.d/portgauge.fish
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help build documents unit test demo soak test-kernels test-tools bench \
	bench-instructions bench-fold thresholds check schema format install deps check-deps \
	test-deps kernels-deps tools-deps bench-deps clean
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

build: deps $(BPF_OBJECTS) ## build the release binary, .build/release/portgauge, and what belongs to it
	swift build $(RELEASE_FLAGS) --product portgauge
	$(MAKE) --no-print-directory documents

# From what the binary itself says of its options.
documents: .build/manual ## make the man page and the shell completions, below .build/share
	mkdir -p $(dir $(addprefix $(SHARE)/,$(PAGE) $(BASH) $(ZSH) $(FISH)))
	$(RELEASE) --experimental-dump-help | .build/manual > $(SHARE)/$(PAGE)
	$(RELEASE) --generate-completion-script bash > $(SHARE)/$(BASH)
	$(RELEASE) --generate-completion-script zsh > $(SHARE)/$(ZSH)
	$(RELEASE) --generate-completion-script fish > $(SHARE)/$(FISH)

.build/manual: scripts/manual.swift
	swiftc -swift-version 6 -warnings-as-errors $< -o $@

demo: build ## see a port exhaustion caught, in a private network namespace
	$(SUDO) $(RELEASE) demo

# No root, no packages, no browser: what the model, the events, the texts and the pipeline do. What
# holds JSON against its schema needs python3-jsonschema, and is with the rest.
UNIT := ^(PortModel|Report|Tracing)Tests
unit: $(BPF_OBJECTS) ## build and run the tests that need neither root nor packages
	swift build --build-tests
	swift test --skip-build --filter '$(UNIT)' --skip 'SchemaTests|HTMLBrowserTests'

test: build test-deps ## build and run all tests (as root)
	swift build --build-tests
	scripts/failures-last $(SUDO) env "PATH=$$PATH" PORTGAUGE=$(CURDIR)/$(RELEASE) \
		swift test --skip-build

soak: build test-deps ## hold the tracer against the kernel for SOAK_SECONDS (default: 2 hours)
	swift build --build-tests
	scripts/failures-last $(SUDO) env "PATH=$$PATH" PORTGAUGE=$(CURDIR)/$(RELEASE) \
		SOAK_SECONDS=$(SOAK_SECONDS) swift test --skip-build --filter OracleTests/soak

# 5.10 is the oldest that is supported; KERNELS="5.10 newest" takes a third of the time.
KERNELS ?= 5.10 6.1 6.12 6.18 newest

test-kernels: build kernels-deps ## run the live tests on other kernels, in an emulated machine
	swift build --build-tests
	scripts/test-kernels $(KERNELS)

test-tools: build tools-deps ## run real load generators out of ports: wrk, hey, ab, siege against nginx
	$(SUDO) scripts/test-tools $(RELEASE)

# QUICK=1 takes three minutes. To hold another build against this one: PORTGAUGE=, its binary, and
# OBJECT= and RETURN_VALUES=, its BPF objects.
PORTGAUGE ?= $(RELEASE)
OBJECT ?= bpf/portgauge.bpf.o
RETURN_VALUES ?= bpf/return_values.bpf.o
HOOK_BENCH := .build/release/HookBench
FOLD_BENCH := .build/release/FoldBench
FIGURES := .build/figures

bench: build $(HOOK_BENCH) $(EMPTY) bench-deps ## measure what each hook costs, and tcpstates (QUICK=1: less exactly)
	$(SUDO) $(HOOK_BENCH) $(if $(QUICK),--seconds 60 --window 100 --no-memory) \
		--portgauge $(PORTGAUGE) --object $(OBJECT) --return-values $(RETURN_VALUES) --empty $(EMPTY)

bench-instructions: build $(HOOK_BENCH) kernels-deps ## the same in instructions of an emulated machine
	mkdir -p $(FIGURES)
	scripts/bench-instructions $(HOOK_BENCH) $(OBJECT) $(RETURN_VALUES) $(FIGURES)/instructions

bench-fold: build $(FOLD_BENCH) ## measure what decoding, folding and telling a record costs
	mkdir -p $(FIGURES)
	SWIFT_DETERMINISTIC_HASHING=1 $(FOLD_BENCH) > $(FIGURES)/fold.log
	grep -v '^figure' $(FIGURES)/fold.log
	sed -n 's/^figure //p' $(FIGURES)/fold.log > $(FIGURES)/fold

THRESHOLDS := Benchmarks/thresholds.txt

thresholds: bench-instructions bench-fold ## hold size, instructions and allocations against what is written down
	echo "binary/bytes $$(stat -c %s $(RELEASE))" > $(FIGURES)/binary
	$(SUDO) $(HOOK_BENCH) programs > $(FIGURES)/programs.log
	sed -n 's/^figure //p' $(FIGURES)/programs.log > $(FIGURES)/programs
	scripts/thresholds $(THRESHOLDS) $(addprefix $(FIGURES)/,binary programs instructions fold)

.PHONY: $(HOOK_BENCH) $(FOLD_BENCH)
$(HOOK_BENCH) $(FOLD_BENCH): deps $(BPF_OBJECTS)
	swift build $(RELEASE_FLAGS) --product $(notdir $@)

check: check-deps $(BPF_OBJECTS) ## format, layers and lint; warnings are errors
	$(CLANG_FORMAT) --dry-run --Werror $(C_SOURCES)
	scripts/check-layers
	swift format lint --strict --recursive $(SWIFT_SOURCES)
	swift build
	for schema in event report; do \
		.build/debug/schemas $$schema | diff -u schema/$$schema.schema.json - || exit; \
	done

schema: ## write the schemas of JSON, schema/*.json, from the fields that Sources/Events names
	swift build --product schemas
	for schema in event report; do \
		.build/debug/schemas $$schema > schema/$$schema.schema.json || exit; \
	done

format: check-deps ## format the Swift and C sources in place
	swift format --in-place --recursive $(SWIFT_SOURCES)
	$(CLANG_FORMAT) -i $(C_SOURCES)

install: ## install binary, man page and shell completions below $(DESTDIR)$(PREFIX)
	test -x $(RELEASE) -a -f $(SHARE)/$(FISH) || $(MAKE) build
	install -D -m 755 $(RELEASE) $(DESTDIR)$(PREFIX)/bin/portgauge
	for file in $(PAGE) $(BASH) $(ZSH) $(FISH); do \
		install -D -m 644 $(SHARE)/$$file $(DESTDIR)$(PREFIX)/share/$$file || exit; \
	done

clean: ## remove what was built
	rm -rf .build $(BPF_OBJECTS) $(EMPTY)

# Only what is in the object's BTF is needed to load it, and none of the DWARF.
%.bpf.o: %.bpf.c $(wildcard bpf/*.h) Sources/CPortgauge/include/portgauge_record.h
	clang -target bpf -mcpu=v2 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter \
		-Ibpf -ISources/CPortgauge/include -c $< -o $@
	llvm-objcopy --strip-debug $@

# $(call install_missing,a file,its package): nothing is asked of apt where all is there.
missing = $(foreach pair,$(1),$(if $(wildcard $(firstword $(subst =, ,$(pair)))),,$(lastword $(subst =, ,$(pair)))))
define install_missing
	$(if $(strip $(call missing,$(1))),$(SUDO) apt-get update -qq && $(SUDO) apt-get install -y --no-install-recommends $(call missing,$(1)))
endef

deps:
	@$(call install_missing,/usr/include/bpf/libbpf.h=libbpf-dev /usr/include/libelf.h=libelf-dev /usr/include/zlib.h=zlib1g-dev)

check-deps:
	@$(call install_missing,$(CLANG_FORMAT)=clang-format)

test-deps:
	@$(call install_missing,/usr/bin/ss=iproute2 /usr/bin/jsonschema=python3-jsonschema /usr/bin/strace=strace /usr/sbin/bpftool=bpftool /usr/bin/mandoc=mandoc /usr/bin/man=man-db /usr/bin/zsh=zsh /usr/bin/fish=fish /usr/bin/tmux=tmux /usr/bin/chromium-headless-shell=chromium-headless-shell)

kernels-deps:
	@$(call install_missing,/usr/bin/qemu-system-x86_64=qemu-system-x86 /usr/share/qemu/linuxboot_dma.bin=qemu-system-data /usr/share/seabios/bios-256k.bin=seabios /usr/bin/busybox=busybox-static /usr/bin/ss=iproute2 /usr/sbin/bpftool=bpftool /usr/bin/xz=xz-utils)

tools-deps:
	@$(call install_missing,/usr/bin/wrk=wrk /usr/bin/hey=hey /usr/bin/ab=apache2-utils /usr/bin/siege=siege /usr/sbin/nginx=nginx-light /usr/bin/ss=iproute2)

bench-deps:
	@$(call install_missing,/usr/sbin/tcpstates=libbpf-tools)
