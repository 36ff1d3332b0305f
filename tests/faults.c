/* Makes the k-th call that touches a folder fail, or kills the process there (LD_PRELOAD).
 *
 * fault_arm(folder, k, mode) starts counting from 1; fault_count() tells how many calls there were.
 * A call counts if its path, or the file behind its descriptor, lies in the folder.
 *
 * With FAULT_NAMED set, no file can be made without a name, as on systems other than Linux. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { COUNT, FAIL_EIO, FAIL_ENOSPC, INTERRUPT, SHORT, FAIL_FROM, KILL_BEFORE, KILL_AFTER };

static char folder[4096];
static size_t folder_length;
static atomic_long calls;
static long wanted;
static int mode;

void fault_arm(const char *path, long k, int how) {
    strncpy(folder, path, sizeof folder - 1);
    folder_length = strlen(folder);
    wanted = k;
    mode = how;
    atomic_store(&calls, 0);
}

long fault_count(void) { return atomic_load(&calls); }

static int is_inside(const char *path) {
    return folder_length && path && strncmp(path, folder, folder_length) == 0;
}

static int is_fd_inside(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return is_inside(path);
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* What happens to a call: 0 it goes on, 1 it fails with errno set, 2 it is cut short, 3 it is the
 * process's last. `interruptible`: whether the call may return EINTR at all. */
static int fate(int inside, int interruptible) {
    if (!inside) return 0;
    long call = atomic_fetch_add(&calls, 1) + 1;
    if (mode == FAIL_FROM ? call < wanted : call != wanted) return 0;
    switch (mode) {
    case FAIL_EIO:
    case FAIL_FROM:
        errno = EIO;
        return 1;
    case FAIL_ENOSPC:
        errno = ENOSPC;
        return 1;
    case INTERRUPT:
        if (!interruptible) return 0;
        errno = EINTR;
        return 1;
    case SHORT:
        return 2;
    case KILL_BEFORE:
        die();
        return 1;
    case KILL_AFTER:
        return 3;
    }
    return 0;
}

#define REAL(name) \
    static __typeof__(&name) real; \
    if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define GO(inside, interruptible, call) \
    do { \
        int what = fate(inside, interruptible); \
        if (what == 1) return -1; \
        __typeof__(call) result = call; \
        if (what == 3) die(); \
        return result; \
    } while (0)

#define GO_SHORT(inside, call, one) \
    do { \
        int what = fate(inside, 1); \
        if (what == 1) return -1; \
        ssize_t result = what == 2 && size > 1 ? one : call; \
        if (what == 3) die(); \
        return result; \
    } while (0)

#define OPEN(name, ...) \
    int flags_mode = 0; \
    if (flags & (O_CREAT | O_TMPFILE)) { \
        va_list arguments; \
        va_start(arguments, flags); \
        flags_mode = va_arg(arguments, int); \
        va_end(arguments); \
    } \
    if ((flags & O_TMPFILE) == O_TMPFILE && getenv("FAULT_NAMED")) { \
        errno = EOPNOTSUPP; \
        return -1; \
    } \
    REAL(name); \
    GO(is_inside(path), 1, real(__VA_ARGS__, flags_mode))

int open(const char *path, int flags, ...) { OPEN(open, path, flags); }
int open64(const char *path, int flags, ...) { OPEN(open64, path, flags); }
int openat(int at, const char *path, int flags, ...) { OPEN(openat, at, path, flags); }
int openat64(int at, const char *path, int flags, ...) { OPEN(openat64, at, path, flags); }

ssize_t write(int fd, const void *bytes, size_t size) {
    REAL(write);
    GO_SHORT(is_fd_inside(fd), real(fd, bytes, size), real(fd, bytes, 1));
}

ssize_t read(int fd, void *bytes, size_t size) {
    REAL(read);
    GO_SHORT(is_fd_inside(fd), real(fd, bytes, size), real(fd, bytes, 1));
}

int fsync(int fd) {
    REAL(fsync);
    GO(is_fd_inside(fd), 1, real(fd));
}

int flock(int fd, int operation) {
    extern int flock(int, int);
    REAL(flock);
    GO(is_fd_inside(fd), 1, real(fd, operation));
}

int rename(const char *from, const char *to) {
    REAL(rename);
    GO(is_inside(to), 0, real(from, to));
}

int linkat(int at, const char *from, int to_at, const char *to, int flags) {
    REAL(linkat);
    GO(is_inside(to), 0, real(at, from, to_at, to, flags));
}

int mkdir(const char *path, mode_t bits) {
    REAL(mkdir);
    GO(is_inside(path), 0, real(path, bits));
}

int unlink(const char *path) {
    REAL(unlink);
    GO(is_inside(path), 0, real(path));
}

int rmdir(const char *path) {
    REAL(rmdir);
    GO(is_inside(path), 0, real(path));
}
