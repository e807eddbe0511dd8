/* SPDX-License-Identifier: MIT */
/*
 * Domains and their virtual processors.
 *
 * A domain embeds one struct of each subsystem; only that subsystem touches its members.
 */
#ifndef DOMAIN_DOMAIN_H
#define DOMAIN_DOMAIN_H

#include <xen/xen.h>
#include <xen/vcpu.h>
#include "domain/refuse.h"
#include "event/event_channel.h"
#include "lib/list.h"
#include "lib/spinlock.h"
#include "machine/machine.h"
#include "memory/frame.h"
#include "sched/timer.h"

#define MAX_VCPUS  XEN_LEGACY_MAX_VCPUS
#define MAX_DOMAINS 1024U /* also the number of descriptor-window groups */

/* --- paging --- */
struct domain_paging {
    struct spinlock lock;
    uint32_t drop_head, drop_tail; /* doomed tables, under the lock; FRAME_NONE: none */
    uint32_t drops_running;        /* that somebody has taken from the queue; atomic */
    uint64_t dirty_cpus;           /* processors that may hold translations; atomic */
    uint64_t l1_allowed;           /* flags that its L1 entries may have */
};

/* --- memory --- */
struct domain_memory {
    uint32_t first_frame;   /* list of all frames it owns, under paging.lock; FRAME_NONE: none */
    uint32_t first_dropped; /* of a domain that dies: those whose allocation it gave up already */
    uint64_t nr_pages, max_pages;
    uint64_t nr_special; /* pages of ours that it may map; they count for themselves */
    uint64_t claimed;    /* pages that it was promised beyond nr_pages; under the lock of claims */
    struct host_map_entry *map; /* what its memory_map answers; NULL: nothing was said */
    unsigned nr_map;
};

struct grant_table;

/* How far the end of a domain has come: domain/destroy.c. */
enum domain_end {
    END_NOT,
    END_EVENTS,
    END_REST,
    END_VCPUS,
    END_GRANTS,
    END_FRAMES,
    END_TABLES,
    END_DONE,   /* only frames that others still use are left */
    END_BURIED, /* nothing is left: it goes at the next rest */
};

struct domain {
    domid_t id;
    uint32_t serial; /* no domain before or after has the same */
    uint8_t handle[16]; /* who it is, to its creator */
    bool privileged; /* dom0: control operations, device memory, console */
    bool crashed;    /* keeps the first reason only */
    bool shut_down;
    bool dying;      /* dom0 destroys it: nobody may begin anything with it */
    enum domain_end end;
    uint32_t end_progress;      /* within a step */
    unsigned controller_pauses; /* by dom0 */
    struct domain *next_dead;
    unsigned shutdown_reason; /* SHUTDOWN_* */
    unsigned shutdown_code;   /* what the guest says it would stop for, for later */
    uint64_t vm_assist;       /* bits VMASST_TYPE_* */
    unsigned nr_vcpus;
    bool vcpu_life_busy; /* a vCPU is made, brought up or down; atomic */
    struct vcpu *vcpus[MAX_VCPUS];
    struct shared_info *shared_info;
    struct domain_paging paging;
    struct domain_memory memory;
    struct domain_events events;
    struct grant_table *grants;
    struct refusals refusals;
};

enum vcpu_state {
    VCPU_DOWN,     /* not initialised, or taken down by the guest */
    VCPU_RUNNABLE, /* waits in a run queue, or runs */
    VCPU_BLOCKED,  /* waits for an event */
};

/* Work to do before this vCPU runs in the guest again; changed atomically. */
#define VCPU_WORK_NMI      0x1U /* deliver an NMI */
#define VCPU_WORK_DROP     0x2U /* its domain has doomed tables */
#define VCPU_WORK_FAILSAFE 0x4U /* a data selector could not be loaded */
#define VCPU_WORK_STOP     0x8U /* leave the processor: paused, crashed, shut down */
#define VCPU_WORK_RUNSTATE 0x10U /* tell the guest its runstate */
#define VCPU_WORK_DEBUG    0x20U /* load its debug registers again */

struct guest_callback {
    uint64_t address; /* 0: none */
    bool mask_events;
};

struct vcpu {
    /* Touched at each entry and exit. */
    struct vcpu_info *info; /* in the direct map; the guest writes it as well */
    struct domain *domain;
    uint32_t work; /* VCPU_WORK_* */
    bool in_kernel;
    bool nmi_masked;
    bool ts; /* virtual CR0.TS */
    bool in_multicall;

    /* Roots, each with a type reference; user_root 0: none. */
    mfn_t kernel_root, user_root;

    /* How the guest wants to be entered. */
    uint64_t kernel_sp;
    uint16_t kernel_ss;
    struct guest_callback event, failsafe, syscall, syscall32, sysenter;

    /* A hypercall that is to continue: its new arguments. */
    struct {
        unsigned nr;
        uint64_t args[6];
    } again;

    /* Registers while it does not run. */
    struct cpu_user_regs regs;
    struct segment_state segments;
    unsigned bad_selectors; /* nulled on loading, for the failsafe callback */
    uint64_t dr[8];
    uint64_t cr4; /* as the guest sees it */
    uint64_t xcr0;
    void *fpu;
    unsigned iopl;           /* virtual */
    uint64_t io_bitmap;      /* guest address; 0: none */
    unsigned io_bitmap_ports;

    /* Descriptor tables. */
    uint64_t window; /* this vCPU's GDT window; the LDT's follows 16 pages on */
    unsigned gdt_entries;
    mfn_t gdt_frames[14]; /* each with a type reference */
    unsigned nr_gdt_frames;
    uint64_t ldt_base; /* guest address */
    unsigned ldt_entries;
    uint32_t ldt_mapped; /* pages of the LDT window that hold a reference */

    /* Scheduling; under the run queue's lock. */
    unsigned id;
    unsigned cpu; /* whose queue it is in */
    enum vcpu_state state;
    unsigned loaded_on; /* processor that it ran on last */
    bool running; /* its registers are in a processor */
    unsigned pause_count;
    uint64_t affinity;      /* where it may run */
    uint64_t soft_affinity; /* and where it would rather */
    struct list queue;
    bool initialised;
    bool polling;

    unsigned poll_port; /* that it waits for; 0: several */
    struct timer poll_timer;

    /* Time. */
    struct timer singleshot, periodic;
    uint64_t period_ns;
    struct vcpu_runstate_info runstate;
    uint64_t runstate_area; /* guest address; 0: none */
    uint64_t time_area;
    mfn_t info_frame; /* where register_vcpu_info moved it, with a type reference; or MFN_NONE */

    struct trap_info traps[256]; /* last: the rest then lies in one page */
};

extern struct domain *dom0;

extern struct domain *domains[MAX_DOMAINS]; /* domain/domain.c's */

/* No domain with this id: NULL. SELF is not looked at. */
static inline struct domain *domain_by_id(unsigned id)
{
    return likely(id < MAX_DOMAINS) ? __atomic_load_n(&domains[id], __ATOMIC_ACQUIRE) : NULL;
}
#define domain_for_each(d)                                                                         \
    for (unsigned id_##d = 0; id_##d < MAX_DOMAINS; id_##d++)                                      \
        if ((d = domain_by_id(id_##d)))

/*
 * Makes a domain with that many vCPUs, all down, and its shared page. max_pages limits its memory.
 * Returns NULL when out of memory, with nothing left behind. Nobody finds it before domain_publish.
 */
struct domain *domain_make(domid_t id, unsigned nr_vcpus, uint64_t max_pages, bool privileged);
void domain_publish(struct domain *d);

/* Both at once. */
struct domain *domain_create(domid_t id, unsigned nr_vcpus, uint64_t max_pages, bool privileged);

/*
 * Takes a domain apart, step by step: its vCPUs stop, its ports close, what it uses of others goes back, its tables
 * and frames go. Returns 0, or HYPERCALL_CONTINUE to be called again. Frames that others map live until they are
 * unmapped; then the domain is gone, and dom0 hears of it (VIRQ_DOM_EXC). Not for the domain that asks. A pointer
 * from domain_by_id is good until the processor returns to a guest.
 */
int domain_destroy(struct domain *d);

/* dom0 stops a domain's vCPUs, and lets them go on; pairs nest. Not for the domain that asks. */
void domain_pause(struct domain *d);
void domain_unpause(struct domain *d);

/* Ends a domain for a reason; the first one counts. Returns, so that the caller can unwind; none of its
 * vCPUs runs in the guest again. Prints the state of the vCPU that is to blame, if it is ours. */
void domain_crash(struct domain *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The domain asks to stop, with SHUTDOWN_*. dom0's wish stops or restarts the machine. */
void domain_shutdown(struct domain *d, unsigned reason);

/* --- Its frames: domain/frames.c --- */

/* Called when the last reference to one of its frames went. special: it was a page of ours. */
void domain_frame_released(struct frame *f, bool special);

/* A page of ours that the domain may map but never own. NULL: out of memory. Freeing it takes our reference only:
 * somebody may map it still. */
void *domain_special_page_alloc(struct domain *d);
void domain_special_page_free(struct domain *d, void *page);

/* Promises the domain that it can have so many pages in all. Returns 0, -XEN_EINVAL (it has a promise, or so many
 * pages, or may not have them, or dies) or -XEN_ENOMEM. */
int domain_claim(struct domain *d, uint64_t nr_pages);
void domain_claim_release(struct domain *d);
uint64_t domain_claims(void); /* pages promised to all */

/* Gives 2^order frames to a domain, each with its allocation's reference. Returns MFN_NONE if there
 * are none or its quota is used up. */
mfn_t domain_alloc_frames(struct domain *d, unsigned order, unsigned address_bits);

/* For an exchange of frames, which leaves the quota as it is: 2^order frames from the allocator become
 * the domain's; one that nobody can refer to any more (no count in its word) ceases to be. */
void domain_adopt_frames(struct domain *d, mfn_t m, unsigned order);
void domain_disown_frame(struct domain *d, struct frame *f);

/* Gives up the allocation of one frame. False: it is not the domain's, or was given up before. */
bool domain_give_up_frame(struct domain *d, mfn_t m);

/* Writes the domain's own number for a frame into the machine-to-physical table. False: the frame is not
 * the domain's (any more: another vCPU may give it up at any time). */
bool domain_name_frame(struct domain *d, mfn_t m, uint64_t pfn);

/* Calls fn for each mapping of a granted frame that the domain has a handle for; flags: GNTMAP_*. For the auditor. */
void domain_for_each_grant(const struct domain *d, void (*fn)(mfn_t m, unsigned flags));

static inline struct domain *current_domain(void)
{
    return current_vcpu()->domain;
}

static inline void vcpu_request_work(struct vcpu *v, uint32_t work)
{
    __atomic_or_fetch(&v->work, work, __ATOMIC_SEQ_CST);
}

_Static_assert(offsetof(struct vcpu_info, evtchn_upcall_mask) ==
                   offsetof(struct vcpu_info, evtchn_upcall_pending) + 1,
               "read together");

static inline bool vcpu_event_deliverable(const struct vcpu *v)
{
    /* Both bytes at once: the mask is the upper one. */
    unsigned word = READ_ONCE(*(const uint16_t *)&v->info->evtchn_upcall_pending);

    return word - 1 < 0xff;
}

/*
 * Should long work stop here and go on later? True if this processor has something else to do, or the
 * guest has an event to take.
 */
static inline bool preempt_needed(void)
{
    struct cpu *cpu = this_cpu_anew();

    return READ_ONCE(cpu->work) || (cpu->current && vcpu_event_deliverable(cpu->current));
}

#endif
