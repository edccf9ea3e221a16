/* Memory workloads: dependent loads, copies, small pieces, atomics. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

struct line {
    struct line *next;
    char rest[56];
};

/* A random ring of cache lines that fills `bytes`; 0 without memory for it. */
static struct line *ring(size_t bytes)
{
    size_t count = bytes / sizeof(struct line);
    struct line *lines = calloc(count, sizeof *lines);
    uint32_t *order = malloc(count * sizeof *order);
    if (!lines || !order) {
        free(lines);
        free(order);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = draw() % (i + 1);
        uint32_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (size_t i = 0; i < count; i++)
        lines[order[i]].next = &lines[order[(i + 1) % count]];
    free(order);
    return lines;
}

/* Follows the ring, and counts how it is made as well unless `alone`. */
static uint64_t follow(size_t bytes, long steps, int alone)
{
    struct line *lines = ring(bytes), *at = lines;
    if (!lines)
        return 0;
    if (alone)
        prepared();
    for (; steps > 0; steps--)
        at = at->next;
    uint64_t sum = (uint64_t)(at - lines);
    free(lines);
    return sum;
}

static uint64_t run_follow_small(void)
{
    return follow(16 << 10, rounds(30000000), 0);
}

static uint64_t run_follow_large(void)
{
    return follow(32 << 20, rounds(1500000), 0);
}

/* Loads alone, each of which needs the one before. */
static uint64_t run_load_small(void)
{
    return follow(16 << 10, rounds(30000000), 1);
}

static uint64_t run_load_middle(void)
{
    return follow(4 << 20, rounds(2000000), 1);
}

static uint64_t run_load_large(void)
{
    return follow(32 << 20, rounds(1000000), 1);
}

/* Copies and fills of many sizes. */
static uint64_t run_copy(void)
{
    enum { bytes = 1 << 20 };
    static unsigned char from[bytes], to[bytes];
    for (size_t i = 0; i < bytes; i++)
        from[i] = (unsigned char)(i * 7);
    uint64_t sum = 0;
    for (long round = rounds(1600); round > 0; round--) {
        size_t length = bytes >> round % 8, at = (size_t)round * 13 % 64;
        memcpy(to, from + at, length - at);
        memset(to + length / 2, (int)round, length / 8);
        memmove(to + 5, to, length / 4);
        sum = sum * 31 + to[length / 3];
    }
    return sum;
}

/* One byte at a time: each is read, changed and written where the last one says. */
static uint64_t run_bytes(void)
{
    static unsigned char state[256];
    for (int i = 0; i < 256; i++)
        state[i] = (unsigned char)i;
    uint8_t i = 0, j = 0;
    uint64_t sum = 0;
    for (long round = rounds(8000000); round > 0; round--) {
        i++;
        j = (uint8_t)(j + state[i]);
        unsigned char kept = state[i];
        state[i] = state[j];
        state[j] = kept;
        sum += state[(uint8_t)(state[i] + state[j])];
    }
    return sum;
}

struct node {
    struct node *child[2];
    uint64_t key;
    uint32_t count;
};

/* A binary tree of small allocations, searched and grown. */
static uint64_t run_tree(void)
{
    uint64_t sum = 0;
    struct node *root = 0;
    for (long round = rounds(300000); round > 0; round--) {
        uint64_t key = draw() % 30000 * 0x9e3779b97f4a7c15;
        struct node **at = &root;
        while (*at && (*at)->key != key)
            at = &(*at)->child[(*at)->key < key];
        if (!*at) {
            *at = calloc(1, sizeof **at);
            if (!*at)
                return 0;
            (*at)->key = key;
        }
        sum += ++(*at)->count;
    }
    return sum;
}

/* Fetch-and-add, exchange and compare-and-exchange, all sequentially consistent. */
static uint64_t run_atomic(void)
{
    static uint64_t cell;
    uint64_t sum = 0;
    cell = 0;
    for (long round = rounds(4000000); round > 0; round--) {
        uint64_t seen = __atomic_fetch_add(&cell, 3, __ATOMIC_SEQ_CST);
        __atomic_compare_exchange_n(&cell, &seen, seen + 7, 0, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST);
        sum += __atomic_exchange_n(&cell, seen ^ (uint64_t)round, __ATOMIC_SEQ_CST);
    }
    return sum;
}

const struct workload memory_workloads[] = {
    { "follow-16K", run_follow_small },
    { "follow-32M", run_follow_large },
    { "load-16K", run_load_small },
    { "load-4M", run_load_middle },
    { "load-32M", run_load_large },
    { "copy", run_copy },
    { "bytes", run_bytes },
    { "tree", run_tree },
    { "atomic", run_atomic },
    { 0 },
};
