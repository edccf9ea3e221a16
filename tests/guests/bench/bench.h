/* What the parts of the bench program share. */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* One workload. It returns a checksum that is the same on every architecture. */
struct workload {
    const char *name;
    uint64_t (*run)(void);
};

/* The four groups; each ends with an entry without a name. */
extern const struct workload integer_workloads[];
extern const struct workload memory_workloads[];
extern const struct workload float_workloads[];
extern const struct workload system_workloads[];

/* `full` rounds at 100 %, at least one. */
long rounds(long full);

/* What the workload has done so far is not to count: a line that is called `warm`. */
void prepared(void);

/* The next number of a fixed sequence that starts anew for each workload. */
uint64_t draw(void);

/* Keeps the compiler from seeing through a value. */
static inline uint64_t opaque(uint64_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

#endif
