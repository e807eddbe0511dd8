/* SPDX-License-Identifier: MIT */
/*
 * A QEMU TCG plugin: where the instructions of a benchmark row were executed.
 *
 * The guest marks its timed parts with multi-byte no-operations (docs/measuring.md). Between a begin and
 * an end mark each instruction is counted by its address: hypervisor, upper half (the guest kernel), lower
 * half (user programs). A report mark writes the sums as one line and clears them.
 *
 * Debian ships no qemu-plugin.h: what is called of the plugin API, version 1, is declared here (QEMU 7.2,
 * docs/devel/tcg-plugins). One virtual processor: the counters are plain.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define API __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_op { QEMU_PLUGIN_INLINE_ADD_U64 };

typedef void (*tb_trans_fn)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*insn_fn)(unsigned int vcpu, void *userdata);
typedef void (*atexit_fn)(qemu_plugin_id_t id, void *userdata);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_fn run);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, insn_fn run,
                                            enum qemu_plugin_cb_flags flags, void *userdata);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
                                                enum qemu_plugin_op op, void *counter,
                                                uint64_t add);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, atexit_fn run, void *userdata);

API extern int qemu_plugin_version;
API int qemu_plugin_version = 1;
API int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

/* The ABI gives the hypervisor these addresses (L4 slots 256 to 271) in every address space. */
#define HYPERVISOR_START 0xffff800000000000
#define HYPERVISOR_END   0xffff87ffffffffff
#define UPPER_START      0xffff880000000000

enum place { PLACE_HYPERVISOR, PLACE_UPPER, PLACE_LOWER, NR_PLACES };

/* nopl MARK(%rax,%rax,1): 0f 1f 84 00 and the mark, little endian. */
enum mark { MARK_BEGIN = 0x54454e01, MARK_END, MARK_REPORT, MARK_FORGET };

static uint64_t executed[NR_PLACES]; /* since the machine started; TCG's code adds to it */
static uint64_t begun_at[NR_PLACES];
static uint64_t sum[NR_PLACES];
static bool inside;
static unsigned mistakes;
static FILE *out;

static enum place place_of(uint64_t address)
{
    if (address >= HYPERVISOR_START && address <= HYPERVISOR_END)
        return PLACE_HYPERVISOR;
    return address >= UPPER_START ? PLACE_UPPER : PLACE_LOWER;
}

static void begin(unsigned int vcpu, void *unused)
{
    (void)vcpu, (void)unused;
    mistakes += inside;
    inside = true;
    memcpy(begun_at, executed, sizeof(executed));
}

static void end(unsigned int vcpu, void *unused)
{
    (void)vcpu, (void)unused;
    mistakes += !inside;
    if (inside)
        for (int i = 0; i < NR_PLACES; i++)
            sum[i] += executed[i] - begun_at[i];
    inside = false;
}

static void forget(unsigned int vcpu, void *unused)
{
    (void)vcpu, (void)unused;
    mistakes += inside;
    inside = false;
    memset(sum, 0, sizeof(sum));
}

static void report(unsigned int vcpu, void *unused)
{
    fprintf(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
            sum[PLACE_HYPERVISOR] + sum[PLACE_UPPER] + sum[PLACE_LOWER], sum[PLACE_HYPERVISOR],
            sum[PLACE_UPPER], sum[PLACE_LOWER]);
    forget(vcpu, unused);
}

static insn_fn action_of(const struct qemu_plugin_insn *insn)
{
    static const uint8_t opcode[] = { 0x0f, 0x1f, 0x84, 0x00 };
    const uint8_t *bytes = qemu_plugin_insn_data(insn);
    uint32_t value;

    if (qemu_plugin_insn_size(insn) != sizeof(opcode) + sizeof(value) ||
        memcmp(bytes, opcode, sizeof(opcode)) != 0)
        return NULL;
    memcpy(&value, bytes + sizeof(opcode), sizeof(value));
    switch (value) {
    case MARK_BEGIN:
        return begin;
    case MARK_END:
        return end;
    case MARK_REPORT:
        return report;
    case MARK_FORGET:
        return forget;
    }
    return NULL;
}

/* The action of a mark comes before its own instruction is counted. */
static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
    size_t nr_insns = qemu_plugin_tb_n_insns(tb);

    (void)id;
    for (size_t i = 0; i < nr_insns; i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
        insn_fn action = action_of(insn);

        if (action != NULL)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, action, QEMU_PLUGIN_CB_NO_REGS, NULL);
        qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64,
                                                   &executed[place_of(qemu_plugin_insn_vaddr(insn))], 1);
    }
}

static void finish(qemu_plugin_id_t id, void *unused)
{
    (void)id, (void)unused;
    if (mistakes > 0)
        fprintf(out, "unpaired marks: %u\n", mistakes);
    fclose(out);
}

/* -plugin FILE,out=FILE[,begin=start]: the last one begins a timed part with the machine. */
int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    (void)info;
    inside = argc == 2 && strcmp(argv[1], "begin=start") == 0;
    if (argc != 1 + inside || strncmp(argv[0], "out=", 4) != 0) {
        fprintf(stderr, "tenon's plugin wants out=FILE, and may be told begin=start\n");
        return 1;
    }
    out = fopen(argv[0] + 4, "w");
    if (out == NULL) {
        fprintf(stderr, "tenon's plugin cannot write %s\n", argv[0] + 4);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
