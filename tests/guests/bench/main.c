/* A fixed amount of work, timed: what an emulated CPU costs beside a real one.
 *
 * bench [-s PERCENT] [NAME...]
 *
 * Each workload prints one line: BENCH name wall_s cpu_s checksum. The work and the checksum are
 * the same everywhere, so a line is also a test. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static long percent = 100;
static uint64_t sequence;

long rounds(long full)
{
    long scaled = full * percent / 100;
    return scaled > 0 ? scaled : 1;
}

/* splitmix64 */
uint64_t draw(void)
{
    uint64_t z = sequence += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static double wall_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}

static double of_usage(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
        + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

static double cpu_seconds(void)
{
    return of_usage(RUSAGE_SELF) + of_usage(RUSAGE_CHILDREN);
}

static double begin_wall, begin_cpu;

static void begin(void)
{
    begin_wall = wall_seconds();
    begin_cpu = cpu_seconds();
}

static void say(const char *name, uint64_t checksum)
{
    printf("BENCH %s %.4f %.4f %016llx\n", name, wall_seconds() - begin_wall,
           cpu_seconds() - begin_cpu, (unsigned long long)checksum);
    fflush(stdout);
}

void prepared(void)
{
    say("warm", 0);
    begin();
}

static void measure(const struct workload *workload)
{
    sequence = 1;
    begin();
    say(workload->name, workload->run());
}

static int wanted(const char *name, char **names)
{
    if (!*names)
        return 1;
    for (; *names; names++)
        if (!strcmp(name, *names))
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    const struct workload *const groups[] = {
        integer_workloads, memory_workloads, float_workloads, system_workloads,
    };
    char **names = argv + 1;
    /* What the exec workload starts. */
    if (argc > 1 && !strcmp(argv[1], "--nothing"))
        return 0;
    if (argc > 2 && !strcmp(argv[1], "-s")) {
        percent = atol(argv[2]);
        names += 2;
    }
    for (size_t group = 0; group < sizeof groups / sizeof *groups; group++)
        for (const struct workload *w = groups[group]; w->name; w++)
            if (wanted(w->name, names))
                measure(w);
    return 0;
}
