/* Integer workloads: loops, tables, branches, calls, multiplication and division. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

static inline uint32_t rotl32(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

/* Primes below 2^20 by a sieve of bits. */
static uint64_t run_primes(void)
{
    enum { limit = 1 << 20 };
    static uint64_t composite[limit / 64];
    uint64_t sum = 0;
    for (long round = rounds(8); round > 0; round--) {
        memset(composite, 0, sizeof composite);
        for (uint32_t i = 2; i < limit; i++) {
            if (composite[i / 64] >> i % 64 & 1)
                continue;
            sum += i;
            for (uint64_t j = (uint64_t)i * i; j < limit; j += i)
                composite[j / 64] |= (uint64_t)1 << j % 64;
        }
    }
    return sum;
}

/* Product of 32-bit matrices. */
static uint64_t run_matrix(void)
{
    enum { n = 144 };
    static int32_t a[n][n], b[n][n], c[n][n];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            a[i][j] = (int32_t)(draw() % 1000) - 500;
            b[i][j] = (int32_t)(draw() % 1000) - 500;
        }
    uint64_t sum = 0;
    for (long round = rounds(36); round > 0; round--) {
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                int32_t dot = 0;
                for (int k = 0; k < n; k++)
                    dot += a[i][k] * b[k][j];
                c[i][j] = dot;
            }
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                a[i][j] = c[i][j] % 512;
        sum = sum * 31 + (uint32_t)c[round % n][7];
    }
    return sum;
}

/* The ChaCha permutation: additions, exclusive ors, rotations, no branches. */
static uint64_t run_chacha(void)
{
    uint32_t x[16];
    for (int i = 0; i < 16; i++)
        x[i] = (uint32_t)draw();
#define QUARTER(a, b, c, d)                                   \
    x[a] += x[b], x[d] = rotl32(x[d] ^ x[a], 16),             \
    x[c] += x[d], x[b] = rotl32(x[b] ^ x[c], 12),             \
    x[a] += x[b], x[d] = rotl32(x[d] ^ x[a], 8),              \
    x[c] += x[d], x[b] = rotl32(x[b] ^ x[c], 7)
    for (long round = rounds(2000000); round > 0; round--) {
        QUARTER(0, 4, 8, 12);
        QUARTER(1, 5, 9, 13);
        QUARTER(2, 6, 10, 14);
        QUARTER(3, 7, 11, 15);
        QUARTER(0, 5, 10, 15);
        QUARTER(1, 6, 11, 12);
        QUARTER(2, 7, 8, 13);
        QUARTER(3, 4, 9, 14);
    }
#undef QUARTER
    uint64_t sum = 0;
    for (int i = 0; i < 16; i++)
        sum = sum * 31 + x[i];
    return sum;
}

static int by_value(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The library's sort, with its call of a comparison through a pointer. */
static uint64_t run_sort(void)
{
    enum { n = 60000 };
    static uint64_t v[n];
    uint64_t sum = 0;
    for (long round = rounds(10); round > 0; round--) {
        for (int i = 0; i < n; i++)
            v[i] = draw() % 1000000;
        qsort(v, n, sizeof *v, by_value);
        sum = sum * 31 + v[n / 3];
    }
    return sum;
}

/* Text of words drawn from a small vocabulary. */
static void write_text(unsigned char *text, size_t bytes)
{
    static const char letters[] = "etaoin shrdlu";
    for (size_t i = 0; i < bytes; i++)
        text[i] = letters[draw() % 4 * (draw() % 4) % (sizeof letters - 1)];
}

/* A greedy Lempel-Ziv parse with a table of last positions. */
static uint64_t run_parse(void)
{
    enum { bytes = 1 << 18, slots = 1 << 14 };
    static unsigned char text[bytes + 4];
    static uint32_t last[slots];
    uint64_t sum = 0;
    write_text(text, bytes);
    for (long round = rounds(30); round > 0; round--) {
        memset(last, 0, sizeof last);
        text[draw() % bytes] ^= 1;
        uint32_t at = 0, tokens = 0;
        while (at < bytes) {
            uint32_t word;
            memcpy(&word, text + at, 4);
            uint32_t slot = word * 2654435761u >> 18;
            uint32_t old = last[slot], length = 0;
            last[slot] = at;
            while (old < at && length < 255 && at + length < bytes
                   && text[old + length] == text[at + length])
                length++;
            at += length > 3 ? length : 1;
            tokens++;
        }
        sum = sum * 31 + tokens;
    }
    return sum;
}

/* CRC-32 by a table. */
static uint64_t run_crc(void)
{
    static uint32_t table[256];
    static unsigned char data[1 << 16];
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
        table[i] = crc;
    }
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)draw();
    uint32_t crc = 0xffffffff;
    for (long round = rounds(350); round > 0; round--)
        for (size_t i = 0; i < sizeof data; i++)
            crc = table[(crc ^ data[i]) & 255] ^ crc >> 8;
    return crc;
}

/* Ways to place queens, by recursion over sets of bits. */
static uint64_t place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    uint64_t count = columns == all;
    for (uint32_t open = all & ~(columns | left | right); open; open &= open - 1) {
        uint32_t queen = open & -open;
        count += place(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    return count;
}

static uint64_t run_queens(void)
{
    uint64_t sum = 0;
    for (long round = rounds(80); round > 0; round--)
        sum += place((uint32_t)opaque((1 << 10) - 1), 0, 0, 0);
    return sum;
}

/* A small register machine, dispatched by a switch. */
static uint64_t run_bytecode(void)
{
    unsigned char program[256];
    uint64_t r[4] = { 1, 2, 3, 4 };
    uint8_t at = 0;
    for (int i = 0; i < 256; i++)
        program[i] = (unsigned char)draw();
    for (long step = rounds(10000000); step > 0; step--) {
        unsigned char code = program[at++];
        uint64_t *to = &r[code >> 4 & 3], from = r[code >> 6];
        switch (code & 15) {
        case 0: *to += from; break;
        case 1: *to -= from; break;
        case 2: *to ^= from; break;
        case 3: *to |= from >> 3; break;
        case 4: *to &= from | 0xffff; break;
        case 5: *to = *to << 7 | *to >> 57; break;
        case 6: *to *= 3; break;
        case 7: *to += at; break;
        case 8: *to = ~*to; break;
        case 9: *to = from; break;
        case 10: at += (uint8_t)(from & 3); break;
        case 11: at ^= (uint8_t)(from & 1); break;
        case 12: *to = from < *to; break;
        case 13: *to += 0x9e3779b9; break;
        case 14: *to = *to >> 1 | from << 63; break;
        default: *to ^= (uint64_t)step; break;
        }
    }
    return r[0] ^ r[1] ^ r[2] ^ r[3];
}

typedef uint64_t step_fn(uint64_t);
static uint64_t step_add(uint64_t x) { return x + 0x1234567; }
static uint64_t step_mix(uint64_t x) { return x ^ x >> 9; }
static uint64_t step_scale(uint64_t x) { return x * 9; }
static uint64_t step_turn(uint64_t x) { return x << 13 | x >> 51; }

/* Calls through a table that the last result selects from. */
static uint64_t run_calls(void)
{
    static step_fn *volatile table[4] = { step_add, step_mix, step_scale, step_turn };
    uint64_t x = 1;
    for (long round = rounds(12000000); round > 0; round--)
        x = table[(x >> 5 ^ (uint64_t)round) & 3](x);
    return x;
}

/* Division and remainder, signed and unsigned, of both widths. */
static uint64_t run_divide(void)
{
    uint64_t x = 0x123456789abcdef, sum = 0;
    for (long round = rounds(6000000); round > 0; round--) {
        uint64_t by = (uint64_t)round | 1;
        sum += x / by + x % (by + 2);
        sum += (uint64_t)((int64_t)x / -(int64_t)by) + (uint32_t)x / (uint32_t)by;
        x = x * 6364136223846793005 + 1442695040888963407;
    }
    return sum;
}

/* Products of twice the width. */
static uint64_t run_multiply(void)
{
    uint64_t x = 0x9e3779b97f4a7c15, sum = 0;
    for (long round = rounds(30000000); round > 0; round--) {
        unsigned __int128 product = (unsigned __int128)x * (x ^ (uint64_t)round);
        x = (uint64_t)product ^ (uint64_t)(product >> 64);
        sum += x;
    }
    return sum;
}

const struct workload integer_workloads[] = {
    { "primes", run_primes },
    { "matrix", run_matrix },
    { "chacha", run_chacha },
    { "sort", run_sort },
    { "parse", run_parse },
    { "crc", run_crc },
    { "queens", run_queens },
    { "bytecode", run_bytecode },
    { "calls", run_calls },
    { "divide", run_divide },
    { "multiply", run_multiply },
    { 0 },
};
