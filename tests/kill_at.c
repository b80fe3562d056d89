/* Runs a command and kills it with SIGKILL, all of its threads at once, at a chosen instant:
 *
 *   kill_at calls N FILE COMMAND...    when the Nth call that writes to FILE begins or ends (N odd:
 *                                      begins, so that it never happens; N even: it has happened)
 *   kill_at us N FILE COMMAND...       N microseconds after the first such call, wherever it is
 * then
 *
 * FILE is the last part of a path. The command is traced (ptrace), so that every thread's calls are
 * known; the last lines on stderr name the ones that the kill interrupted:
 *     killed at the beginning of pwrite64 on data.mdb
 *     interrupted: pwrite64 on data.mdb
 * Exit code 0 when it was killed here, else 3. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_THREADS  256
#define SYSCALL_STOP (SIGTRAP | 0x80)

static const struct {
    uint64_t number;
    const char *name;
} writes[] = {{SYS_pwrite64, "pwrite64"},  {SYS_pwritev, "pwritev"},     {SYS_writev, "writev"},
              {SYS_write, "write"},        {SYS_fdatasync, "fdatasync"}, {SYS_fsync, "fsync"},
              {SYS_ftruncate, "ftruncate"}};

/* What a thread is in the middle of: a write to the file, or something else. */
struct thread {
    pid_t id;
    const char *write; /* NULL: not in one */
};

static struct {
    pid_t command;
    const char *file;
    bool by_calls;
    uint64_t n, calls;
    struct thread threads[MAX_THREADS];
} run;

static volatile sig_atomic_t time_is_over;

static void on_alarm(int number)
{
    (void)number;
    time_is_over = 1;
}

static struct thread *thread_of(pid_t id)
{
    struct thread *free_slot = NULL;
    for (int i = 0; i < MAX_THREADS; i++) {
        if (run.threads[i].id == id) return &run.threads[i];
        if (!run.threads[i].id && !free_slot) free_slot = &run.threads[i];
    }
    if (!free_slot) {
        fputs("kill_at: too many threads\n", stderr);
        exit(2);
    }
    *free_slot = (struct thread){.id = id};
    return free_slot;
}

/* Is the call's first argument, a descriptor, the file? */
static bool is_file(uint64_t fd)
{
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)run.command, (int)fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return false;
    path[n] = 0;
    const char *slash = strrchr(path, '/');
    return slash && !strcmp(slash + 1, run.file);
}

/* Name of the call when it writes to the file, else NULL. */
static const char *write_name(uint64_t number, uint64_t fd)
{
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        if (writes[i].number == number) return is_file(fd) ? writes[i].name : NULL;
    return NULL;
}

static void kill_all(void)
{
    int status;
    kill(run.command, SIGKILL);
    for (int i = 0; i < MAX_THREADS; i++)
        if (run.threads[i].id && run.threads[i].write)
            fprintf(stderr, "interrupted: %s on %s\n", run.threads[i].write, run.file);
    while (waitpid(-1, &status, __WALL) > 0 || errno == EINTR) continue;
    exit(0);
}

/* A thread is at the beginning or the end of a call. */
static void at_call(pid_t id)
{
    struct __ptrace_syscall_info info;
    struct thread *thread = thread_of(id);
    if (ptrace(PTRACE_GET_SYSCALL_INFO, id, sizeof info, &info) <= 0) return;
    bool begins = info.op == PTRACE_SYSCALL_INFO_ENTRY;
    const char *name = begins ? write_name(info.entry.nr, info.entry.args[0]) : thread->write;
    thread->write = begins ? name : NULL;
    if (!name) return;
    run.calls++;
    if (run.by_calls && run.calls >= run.n && begins == (run.n % 2 == 1)) {
        fprintf(stderr, "killed at the %s of %s on %s\n", begins ? "beginning" : "end", name,
                run.file);
        thread->write = name;
        kill_all();
    }
    if (!run.by_calls && run.calls == 1) {
        struct itimerval timer = {
            .it_value = {(time_t)(run.n / 1000000), (suseconds_t)(run.n % 1000000 + 1)}};
        setitimer(ITIMER_REAL, &timer, NULL);
    }
}

/* Lets a stopped thread go on; signals of its own are delivered. */
static void go_on(pid_t id, int status)
{
    int signal_number = WSTOPSIG(status);
    bool ours = signal_number == SYSCALL_STOP || status >> 16 != 0 || signal_number == SIGSTOP;
    if (signal_number == SYSCALL_STOP) at_call(id);
    ptrace(PTRACE_SYSCALL, id, 0, ours || signal_number == SIGTRAP ? 0 : signal_number);
}

static int trace(void)
{
    for (;;) {
        int status;
        if (time_is_over) {
            fprintf(stderr, "killed by the clock\n");
            kill_all();
        }
        pid_t id = waitpid(-1, &status, __WALL);
        if (id < 0 && errno == EINTR) continue;
        if (id < 0) return 3;
        if (WIFSTOPPED(status)) {
            go_on(id, status);
        } else {
            thread_of(id)->id = 0;
            if (id != run.command) continue;
            fprintf(stderr, "kill_at: the command has ended by itself\n");
            return 3;
        }
    }
}

/* SIGTERM for us is for the command. */
static void on_term(int number)
{
    kill(run.command, number);
}

int main(int argc, char **argv)
{
    int status;
    if (argc < 5 || (strcmp(argv[1], "calls") != 0 && strcmp(argv[1], "us") != 0)) {
        fputs("usage: kill_at calls|us N FILE COMMAND...\n", stderr);
        return 2;
    }
    run.by_calls = !strcmp(argv[1], "calls");
    run.n = strtoull(argv[2], NULL, 10);
    run.file = argv[3];
    run.command = fork();
    if (run.command == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execvp(argv[4], argv + 4);
        _exit(127);
    }
    struct sigaction alarm_action = {.sa_handler = on_alarm}, term_action = {.sa_handler = on_term};
    sigaction(SIGALRM, &alarm_action, NULL);
    sigaction(SIGTERM, &term_action, NULL);
    if (run.command < 0 || waitpid(run.command, &status, 0) != run.command || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, run.command, 0,
               PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
                   PTRACE_O_EXITKILL) != 0) {
        perror("kill_at: ptrace");
        return 2;
    }
    ptrace(PTRACE_SYSCALL, run.command, 0, 0);
    return trace();
}
