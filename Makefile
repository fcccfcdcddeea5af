# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets.  One Makefile, no recursion, no configure step;
# everything made is under build/, but for the records that coverage, RECORD=1
# and --keep write into the tree.

MODULES  := base policy wire crypto tlog net sandbox attest inference api
APPS     := node gateway client model verify log
PROGRAMS := $(patsubst %/main.c,pcc-%,$(wildcard $(APPS:%=%/main.c)))

BUILD    ?= build
JOBS     ?= $(shell nproc)
CFLAGS   ?= -O2 -g
CFLAGS   += -std=c11 -D_GNU_SOURCE -I. -I$(BUILD)/gen -MMD -MP
CFLAGS   += -Wall -Wextra -Werror -Wshadow -Wconversion -Wvla -Wundef \
            -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual \
            -Wwrite-strings -Wformat=2 -Wswitch-enum
CFLAGS   += -fstack-protector-strong -fstack-clash-protection -fno-common \
            -fPIE -ffp-contract=off -fno-strict-aliasing
CFLAGS   += -ffile-prefix-map=$(CURDIR)=. $(SANITIZE)
ifndef SANITIZE
CPPFLAGS += -D_FORTIFY_SOURCE=2
endif
LDFLAGS  += -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(SANITIZE)
LDLIBS   := -lgrpc -lgpr -lprotobuf-c -lssl -lcrypto -lsodium -lseccomp \
            -ljansson -lmicrohttpd -lcurl -ltss2-esys -ltss2-mu -lm -lpthread

# Short lines; V=1 shows the commands.
ifneq ($(V),1)
Q := @
say = @printf '  %-4s %s\n' $(1) $(2)
endif

sources   = $(sort $(wildcard $(addsuffix /*.c,$(1))))
objects   = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))

LIBRARY  := $(BUILD)/libpcc.a
GEN      := $(BUILD)/gen/node.pb-c.c $(BUILD)/gen/node_descriptor.h \
            $(BUILD)/gen/health_descriptor.h
TESTED   := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/*/test_*.c)))
QUIET    := $(filter $(BUILD)/tests/quiet/%,$(TESTED))
UNIT     := $(filter-out $(QUIET),$(TESTED))
HELPERS  := $(filter-out $(wildcard tests/*/test_*.c tests/fuzz/*.c \
              tests/bench/*.c) tests/scenarios/call.c \
              tests/hostile/constant_time.c $(wildcard tests/hostile/racing*.c), \
              $(wildcard tests/*.c tests/*/*.c))
FUZZERS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCHES  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/bench_*.c))
TREE     := $(call sources,$(MODULES) $(APPS)) \
            $(wildcard tests/*.c tests/*/*.c) deploy/vm/init.c deploy/vm/look.c
HEADERS  := $(wildcard $(addsuffix /*.h,$(MODULES) $(APPS) tests tests/*))

all: $(PROGRAMS:%=$(BUILD)/%) ## build every program

demo: deps-demo ## one private answer through every process, with the checks that passed
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@tools/demo.sh $(BUILD)

test: deps-test ## build and run every test; each prints the sentence it proves; 8 minutes
	@$(MAKE) --no-print-directory -j$(JOBS) all tests
	@tools/run_tests.sh $(BUILD) $(UNIT)

tests: $(UNIT)

deps: ## install what the build needs, where it is missing (Debian 12)
	@tools/deps.sh build

deps-demo: ## install what the demo needs besides, where it is missing
	@tools/deps.sh build demo

deps-test: ## install what the tests need, where it is missing
	@tools/deps.sh test interop

deps-claims:
	@tools/deps.sh test interop claims

sanitize: all ## the tests under address and undefined-behaviour sanitizers; builds for 10 minutes
	@PCC_NODE=$(CURDIR)/$(BUILD)/pcc-node \
	    $(MAKE) --no-print-directory test BUILD=build/sanitize \
	    SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined"

race: all tests ## the threads of teams, workers, gateway and client under ThreadSanitizer
	@mkdir -p build/race
	@$(CC) -c -o build/race/options.o tests/hostile/racing_options.c
	@LDFLAGS=build/race/options.o \
	    $(MAKE) --no-print-directory -j$(JOBS) BUILD=build/race \
	    SANITIZE=-fsanitize=thread $(patsubst %,build/race/%,pcc-gateway \
	    pcc-client tests/hostile/racing)
	@tools/race.sh $(BUILD) build/race

valgrind: deps-claims all tests ## unit tests under valgrind; SECONDS=120 at most for each
	@$(MAKE) --no-print-directory $(BUILD)/tests/hostile/constant_time
	@tools/valgrind.sh $(BUILD) $(or $(SECONDS),120) \
	    $(filter $(BUILD)/tests/unit/% $(BUILD)/tests/node/% \
	    $(BUILD)/tests/log/% $(BUILD)/tests/client/%,$(UNIT))

fuzz: $(FUZZERS) ## fuzz every parser of foreign bytes (needs clang); SECONDS=60 each; RECORD=1 adds up, UNTIL=n inputs
	@tools/run_fuzzers.sh $(if $(RECORD),--record) \
	    $(if $(UNTIL),--until $(UNTIL)) $(or $(SECONDS),60) $^

coverage: ## lines and branches of every parser that the fuzzers' seeds reach (needs clang, llvm)
	@$(MAKE) --no-print-directory -j$(JOBS) fuzzers BUILD=build/coverage \
	    CHECKS= PROFILE="-fprofile-instr-generate -fcoverage-mapping"
	@tools/coverage.sh build/coverage

fuzzers: $(FUZZERS)

bench: all $(BENCHES) ## every benchmark twice, into build/bench.json; LLAMA_BENCH="command, ..." compares
	@tools/bench.sh $(BUILD)
	@$(if $(LLAMA_BENCH),tools/bench_peer.sh $(BUILD) "$(LLAMA_BENCH)")

shape-bench: all $(BUILD)/tests/bench/bench_shape ## what ticks and frames of answers cost: half a minute, a table and a plot in build/plots
	@mkdir -p $(BUILD)/plots
	@$(BUILD)/tests/bench/bench_shape | tee $(BUILD)/bench_shape.txt
	@awk -f tools/svg.awk -f tools/plot_shape.awk $(BUILD)/bench_shape.txt \
	    >$(BUILD)/plots/shape.svg

interop-go: all ## a log of ours is read by Go's own packages, where those are installed
	@tools/interop_go.sh $(BUILD)

constant-time: deps-claims ## no branch and no address depends on a key
	@$(MAKE) --no-print-directory $(BUILD)/tests/hostile/test_constant_time
	@tools/run_tests.sh $(BUILD) $(BUILD)/tests/hostile/test_constant_time

claims: deps-claims ## every claim of SECURITY.md shown by a test that passes, as root; figures into build/claims.json; 15 minutes
	@$(MAKE) --no-print-directory -j$(JOBS) all tests $(QUIET)
	@tools/run_tests.sh $(BUILD) $(UNIT) $(QUIET); ran=$$?; \
	    tools/claims.py $(BUILD) SECURITY.md && exit $$ran

soak: deps-test ## what draws, kills or mutates, and the fuzzers (needs clang), for HOURS=1 or one round; build/claims.json
	@$(MAKE) --no-print-directory -j$(JOBS) all tests $(QUIET) $(FUZZERS)
	@tools/soak.sh $(BUILD) $(or $(HOURS),1)

release: all ## programs, manifest and SBOM, into build/release; MODEL= POLICY= MEASUREMENTS=
	@tools/release.sh $(BUILD) "$(MODEL)" "$(POLICY)" "$(MEASUREMENTS)"

reproduce: ## this commit built twice in two folders: the same bytes
	@tools/reproduce.sh $(JOBS)

check: includes symbols format tidy parsers ## every static check

includes: ## no folder includes one that it should not know
	@tools/check_includes.sh tools/include_rules.txt

symbols: all ## foo.c exports foo_* alone
	@tools/check_symbols.sh $(BUILD) $(MODULES) $(APPS)

parsers: ## each has a fuzzer with seeds
	@tools/check_fuzzers.sh tests/fuzz/parsers $(MODULES) $(APPS)

format: ## the tree is as clang-format leaves it
	@clang-format --dry-run --Werror $(TREE) $(HEADERS)

tidy: $(GEN) ## clang-tidy has nothing to say
	@clang-tidy --quiet $(call sources,$(MODULES) $(APPS)) -- \
	    -std=c11 -D_GNU_SOURCE -I. -I$(BUILD)/gen

vm: deps-vm all $(BUILD)/vm/init ## the measured machine's image, into build/vm
	@deploy/vm/build.sh $(BUILD)

vm-demo: vm ## boot it with a TPM, verify the boot and the node, ask one question
	@deploy/vm/run.sh $(BUILD)

vm-test: vm ## what it measures is what was computed; a changed byte is refused
	@deploy/vm/check.sh $(BUILD)

vm-residue: vm $(BUILD)/vm/look ## what is left of a question in all the memory of that machine
	@deploy/vm/residue.sh $(BUILD)

deps-vm:
	@tools/deps.sh vm

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

clean: ## remove everything that was made
	rm -rf build

# A program is its main and a library of the rest of its folder, which the
# tests of that folder (tests/node and so on) link as well.
$(BUILD)/pcc-%: $(BUILD)/%/main.o $(BUILD)/lib%.a $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LDLIBS)

# The verifier fetches bundles as the client does.
$(BUILD)/pcc-verify: $(BUILD)/libclient.a

# The measured machine's first program has no library but what is in it.
$(BUILD)/vm/init: deploy/vm/init.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -static-pie -o $@ $<

# Searches the memory of that machine from outside.
$(BUILD)/vm/look: $(BUILD)/deploy/vm/look.o $(LIBRARY)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libnode.a: $(filter-out %/main.o,$(call objects,node))
$(BUILD)/libgateway.a: $(filter-out %/main.o,$(call objects,gateway))
$(BUILD)/libclient.a: $(filter-out %/main.o,$(call objects,client))
$(BUILD)/libmodel.a: $(filter-out %/main.o,$(call objects,model))
$(BUILD)/libverify.a: $(filter-out %/main.o,$(call objects,verify))
$(BUILD)/liblog.a: $(filter-out %/main.o,$(call objects,log))

$(LIBRARY): $(call objects,$(MODULES)) $(patsubst %.c,%.o,$(filter %.c,$(GEN)))
$(BUILD)/lib%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcsD $@ $^

$(filter $(BUILD)/tests/node/%,$(UNIT)): $(BUILD)/libnode.a
$(filter $(BUILD)/tests/gateway/%,$(UNIT)): $(BUILD)/libgateway.a
$(BUILD)/tests/scenarios/test_caller $(BUILD)/tests/scenarios/test_attested \
$(BUILD)/tests/scenarios/test_fates $(BUILD)/tests/scenarios/test_slow \
$(BUILD)/tests/quiet/test_alike \
$(BUILD)/tests/bench/bench_node: \
    $(BUILD)/tests/scenarios/call.o $(BUILD)/libgateway.a
$(filter $(BUILD)/tests/client/%,$(UNIT)): $(BUILD)/libclient.a
$(filter $(BUILD)/tests/model/%,$(UNIT)): $(BUILD)/libmodel.a
$(filter $(BUILD)/tests/verify/%,$(UNIT)): $(BUILD)/libverify.a $(BUILD)/libclient.a
$(filter $(BUILD)/tests/log/%,$(UNIT)): $(BUILD)/liblog.a

# Runs under valgrind, and marks what is random, and what is told of it.  No test
# itself: Criterion's library would take it for one of its workers.
$(BUILD)/tests/hostile/test_constant_time: | $(BUILD)/tests/hostile/constant_time
$(BUILD)/tests/hostile/constant_time: $(BUILD)/tests/hostile/constant_time.o \
    $(BUILD)/libnode.a $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -Wl,--wrap=random_bytes,--wrap=secret_tell -o $@ \
	    -Wl,--start-group $^ -Wl,--end-group $(LDLIBS)

$(BUILD)/tests/hostile/racing: $(BUILD)/tests/hostile/racing.o \
    $(BUILD)/tests/support/timed.o $(BUILD)/libnode.a $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group $(LDLIBS)

$(BUILD)/tests/bench/bench_tpm: $(BUILD)/libnode.a
$(BUILD)/tests/bench/bench_log: $(BUILD)/liblog.a

# These make models, and one delays meetings of threads that know nothing of it.
$(BUILD)/tests/bench/bench_tracks $(BUILD)/tests/bench/bench_experts: \
    $(BUILD)/tests/bench/random_file.o $(BUILD)/libmodel.a
$(BUILD)/tests/bench/bench_tracks: LDFLAGS += -Wl,--wrap=team_run

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(HELPERS:%.c=$(BUILD)/%.o) $(LIBRARY)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ -Wl,--start-group $^ -Wl,--end-group \
	    -lcriterion -lcbor $(LDLIBS)

# A fuzzer links sources compiled anew, with coverage in them: archives, so that
# a fuzzer may have a part of its own in place of one.  With CHECKS= it has no
# sanitizers, and is several times as fast.
CHECKS   ?= address,undefined
FUZZ     := clang $(CFLAGS) -O1 -Wno-error $(PROFILE)
fuzzed    = $(patsubst %.c,$(BUILD)/fuzz/%.o,$(filter-out %/main.c, \
              $(call sources,$(1))))
empty    :=
comma    := ,
checked   = $(subst $(empty) $(empty),$(comma),$(strip $(1) \
              $(subst $(comma), ,$(CHECKS))))

$(BUILD)/tests/fuzz/fuzz_%: tests/fuzz/fuzz_%.c $(BUILD)/fuzz/libfuzzed.a
	@mkdir -p $(@D)
	$(call say,FUZZ,$@)
	$(Q)$(filter-out -MMD -MP,$(FUZZ)) -fsanitize=$(call checked,fuzzer) \
	    $(filter -Wl$(comma)--wrap=%,$(LDFLAGS)) -o $@ $< -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS)

$(BUILD)/fuzz/libfuzzed.a: $(call fuzzed,$(MODULES)) \
    $(patsubst $(BUILD)/%.c,$(BUILD)/fuzz/%.o,$(filter %.c,$(GEN)))
$(BUILD)/fuzz/libnode.a: $(call fuzzed,node)
$(BUILD)/fuzz/libgateway.a: $(call fuzzed,gateway)
$(BUILD)/fuzz/libclient.a: $(call fuzzed,client)
$(BUILD)/fuzz/liblog.a: $(call fuzzed,log)
$(BUILD)/fuzz/libmodel.a: $(call fuzzed,model)

# What a process reads, in that process's own code.
$(patsubst %,$(BUILD)/tests/fuzz/fuzz_%,channel chip mailbox question): \
    $(BUILD)/fuzz/libnode.a
$(patsubst %,$(BUILD)/tests/fuzz/fuzz_%,directory exchange): \
    $(BUILD)/fuzz/libclient.a
$(BUILD)/tests/fuzz/fuzz_log_files: $(BUILD)/fuzz/liblog.a
$(patsubst %,$(BUILD)/tests/fuzz/fuzz_%,checkpoint pieces safetensors): \
    $(BUILD)/fuzz/libmodel.a
$(BUILD)/tests/fuzz/fuzz_chip: LDFLAGS += -Wl,--wrap=write

$(BUILD)/fuzz/lib%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(AR) rcsD $@ $^

# Products of vectors take minutes to compile with both in them; `make sanitize`
# looks for undefined behaviour there.
$(BUILD)/fuzz/inference/product_%.o: CHECKS := $(filter address,$(subst $(comma), ,$(CHECKS)))

$(BUILD)/fuzz/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	$(Q)$(FUZZ) -fsanitize=$(call checked,fuzzer-no-link) -c -o $@ $<

$(BUILD)/fuzz/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(FUZZ) -fsanitize=$(call checked,fuzzer-no-link) -c -o $@ $<

$(BUILD)/gen/%.pb-c.c: node/%.proto
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)protoc-c --c_out=$(@D) -I node $<

# What grpc.reflection answers with: the descriptors, as C arrays.
$(BUILD)/gen/%_descriptor.h: node/%.proto
	@mkdir -p $(@D)
	$(call say,GEN,$@)
	$(Q)protoc -I node --descriptor_set_out=$(@D)/$*.descriptor $<
	@{ echo "static const unsigned char $*_descriptor[] = {"; \
	   od -An -v -tu1 $(@D)/$*.descriptor | sed 's/ *\([0-9][0-9]*\)/\1,/g'; \
	   echo "};"; } > $@

# Generated code is not held to our warnings.
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	$(Q)$(CC) -O2 -fPIE $(SANITIZE) -I$(BUILD)/gen -c -o $@ $<

$(BUILD)/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

.PHONY: all demo test tests race valgrind deps deps-demo deps-test deps-claims deps-vm vm vm-demo vm-test vm-residue sanitize fuzz fuzzers coverage bench shape-bench interop-go constant-time claims soak release reproduce check includes symbols parsers format tidy help clean
.SECONDARY:
-include $(wildcard $(BUILD)/*/*.d $(BUILD)/*/*/*.d)
