/* Makes calls on the files under one folder fail while a control file says so: LD_PRELOAD it.
 *
 * FAIL_FOLDER: the folder; FAIL_CONTROL: a file that holds lines "CALL ERRNO", CALL one of read, write,
 * sync, open; without the file every call is real. Files whose name holds "-shm" fail as well.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

/* The error a call is to give, 0 for none. */
static int wanted(const char *call) {
    const char *control = getenv("FAIL_CONTROL");
    if (control == NULL) return 0;
    int (*real_open)(const char *, int, ...) = real("open");
    int kept = errno, fd = real_open(control, O_RDONLY | O_CLOEXEC);
    char text[256];
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0) close(fd);
    errno = kept;
    if (length <= 0) return 0;
    text[length] = 0;
    char *line = strstr(text, call);
    return line ? atoi(line + strlen(call)) : 0;
}

static int ours(const char *path) {
    const char *folder = getenv("FAIL_FOLDER");
    return folder != NULL && path != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

static int ours_open(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return ours(path);
}

#define FAIL(call, known, answer)              \
    do {                                       \
        int error = (known) ? wanted(call) : 0; \
        if (error) {                           \
            errno = error;                     \
            return (answer);                   \
        }                                      \
    } while (0)

#define OPEN(name)                                           \
    int name(const char *path, int flags, ...) {             \
        mode_t mode = 0;                                     \
        if (flags & O_CREAT) {                               \
            va_list more;                                    \
            va_start(more, flags);                           \
            mode = va_arg(more, mode_t);                     \
            va_end(more);                                    \
        }                                                    \
        FAIL("open", ours(path), -1);                        \
        int (*call)(const char *, int, ...) = real(#name);   \
        return call(path, flags, mode);                      \
    }
OPEN(open)
OPEN(open64)

ssize_t read(int fd, void *data, size_t length) {
    static __thread int inside; /* the control file is read with this very call */
    if (!inside) {
        inside = 1;
        int error = ours_open(fd) ? wanted("read") : 0;
        inside = 0;
        if (error) {
            errno = error;
            return -1;
        }
    }
    ssize_t (*call)(int, void *, size_t) = real("read");
    return call(fd, data, length);
}

ssize_t pread(int fd, void *data, size_t length, off_t place) {
    FAIL("read", ours_open(fd), -1);
    ssize_t (*call)(int, void *, size_t, off_t) = real("pread64");
    return call(fd, data, length, place);
}

ssize_t pread64(int fd, void *data, size_t length, off_t place) { return pread(fd, data, length, place); }

ssize_t write(int fd, const void *data, size_t length) {
    FAIL("write", ours_open(fd), -1);
    ssize_t (*call)(int, const void *, size_t) = real("write");
    return call(fd, data, length);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t place) {
    FAIL("write", ours_open(fd), -1);
    ssize_t (*call)(int, const void *, size_t, off_t) = real("pwrite64");
    return call(fd, data, length, place);
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t place) { return pwrite(fd, data, length, place); }

int fsync(int fd) {
    FAIL("sync", ours_open(fd), -1);
    int (*call)(int) = real("fsync");
    return call(fd);
}

int fdatasync(int fd) {
    FAIL("sync", ours_open(fd), -1);
    int (*call)(int) = real("fdatasync");
    return call(fd);
}
