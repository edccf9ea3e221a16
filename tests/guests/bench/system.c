/* System workloads: what crosses from the program to the kernel and back. */
#define _GNU_SOURCE
#include "bench.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t run_syscall(void)
{
    uint64_t sum = 0;
    for (long round = rounds(300000); round > 0; round--)
        sum += syscall(SYS_getppid) >= 0;
    return sum;
}

/* Reading the clock, which need not enter the kernel. */
static uint64_t run_clock(void)
{
    struct timespec last = { 0, 0 }, now;
    uint64_t sum = 0;
    for (long round = rounds(1000000); round > 0; round--) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        sum += now.tv_sec > last.tv_sec
            || (now.tv_sec == last.tv_sec && now.tv_nsec >= last.tv_nsec);
        last = now;
    }
    return sum;
}

/* A byte to a child and back: two switches a round. */
static uint64_t run_pipe(void)
{
    int there[2], back[2];
    char byte = 1;
    long count = rounds(5000);
    uint64_t sum = 0;
    if (pipe(there) || pipe(back))
        return 0;
    pid_t child = fork();
    if (child == 0) {
        while (count-- > 0)
            if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
                _exit(1);
        _exit(0);
    }
    while (count-- > 0) {
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
            break;
        sum++;
    }
    waitpid(child, 0, 0);
    for (int end = 0; end < 2; end++) {
        close(there[end]);
        close(back[end]);
    }
    return sum;
}

/* Waits for a child and tells whether it ended well. */
static uint64_t ended_well(pid_t child)
{
    int status;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) && !WEXITSTATUS(status);
}

static uint64_t run_fork(void)
{
    uint64_t sum = 0;
    for (long round = rounds(400); round > 0; round--) {
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        sum += ended_well(child);
    }
    return sum;
}

static uint64_t run_exec(void)
{
    uint64_t sum = 0;
    for (long round = rounds(150); round > 0; round--) {
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "bench", "--nothing", (char *)0);
            _exit(1);
        }
        sum += ended_well(child);
    }
    return sum;
}

static void *map(size_t bytes, int rights)
{
    void *at = mmap(0, bytes, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? 0 : at;
}

/* First touches of fresh pages. */
static uint64_t run_fault(void)
{
    enum { bytes = 8 << 20 };
    uint64_t sum = 0;
    for (long round = rounds(10); round > 0; round--) {
        char *at = map(bytes, PROT_READ | PROT_WRITE);
        if (!at)
            return 0;
        madvise(at, bytes, MADV_NOHUGEPAGE);
        for (size_t i = 0; i < bytes; i += 4096, sum++)
            at[i] = 1;
        munmap(at, bytes);
    }
    return sum;
}

/* Rights taken and given back around a write. */
static uint64_t run_protect(void)
{
    enum { bytes = 1 << 16 };
    char *at = map(bytes, PROT_READ | PROT_WRITE);
    uint64_t sum = 0;
    if (!at)
        return 0;
    for (long round = rounds(12000); round > 0; round--) {
        mprotect(at, bytes, PROT_READ);
        mprotect(at, bytes, PROT_READ | PROT_WRITE);
        at[round % bytes] += 1;
        sum += (unsigned char)at[round * 7 % bytes];
    }
    munmap(at, bytes);
    return sum;
}

static volatile sig_atomic_t received;

static void on_signal(int number)
{
    (void)number;
    received++;
}

static uint64_t run_signal(void)
{
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGUSR1, &action, 0);
    received = 0;
    for (long round = rounds(15000); round > 0; round--)
        raise(SIGUSR1);
    return (uint64_t)received;
}

/* Writes a function that returns a constant, and calls it. */
static uint64_t run_selfmod(void)
{
    unsigned char *code = map(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
    uint64_t sum = 0;
    if (!code)
        return 0;
    for (long round = rounds(20000); round > 0; round--) {
        uint32_t value = (uint32_t)round & 1023;
#if defined __x86_64__
        uint32_t words[2] = { 0xb8 | value << 8, 0xc300 | value >> 24 };
#elif defined __riscv
        uint32_t words[2] = { 0x00000513 | value << 20, 0x00008067 };
#elif defined __aarch64__
        uint32_t words[2] = { 0x52800000 | value << 5, 0xd65f03c0 };
#endif
        memcpy(code, words, sizeof words);
        __builtin___clear_cache((char *)code, (char *)code + sizeof words);
        sum += ((uint32_t (*)(void))(void *)code)();
    }
    munmap(code, 4096);
    return sum;
}

const struct workload system_workloads[] = {
    { "syscall", run_syscall },
    { "clock", run_clock },
    { "pipe", run_pipe },
    { "fork", run_fork },
    { "exec", run_exec },
    { "fault", run_fault },
    { "protect", run_protect },
    { "signal", run_signal },
    { "selfmod", run_selfmod },
    { 0 },
};
