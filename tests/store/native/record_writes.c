/* Records in their order the writes, syncs and names of the files under one folder: LD_PRELOAD it.
 *
 * RECORD_FOLDER: the folder; RECORD_LOG: where the record goes. Each entry: op (1 byte), device-wide file
 * number, offset or size, length of a name, length of data (each 8 bytes, little endian), name, data. The
 * file "acks" in the folder is only recorded. A lock around each call keeps the order of threads true.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static int record = -1;
static const char *folder;
static size_t folder_length;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void) {
    folder = getenv("RECORD_FOLDER");
    const char *log = getenv("RECORD_LOG");
    if (folder == NULL || log == NULL) return;
    folder_length = strlen(folder);
    int (*real_open)(const char *, int, ...) = real("open");
    record = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int ours(const char *path) {
    return record >= 0 && path != NULL && strncmp(path, folder, folder_length) == 0 &&
           (path[folder_length] == '/' || path[folder_length] == 0) && strstr(path, "-shm") == NULL;
}

static int ours_open(int fd, char *path, size_t room, uint64_t *number, int *is_folder) {
    if (record < 0) return 0;
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, room - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    if (!ours(path)) return 0;
    struct stat found;
    if (fstat(fd, &found) != 0) return 0;
    *number = found.st_ino;
    *is_folder = S_ISDIR(found.st_mode);
    return 1;
}

static void entry(char op, uint64_t number, uint64_t place, const char *name, const void *data, uint64_t length) {
    ssize_t (*real_write)(int, const void *, size_t) = real("write");
    uint64_t head[4] = {number, place, name ? strlen(name) : 0, length};
    size_t size = 1 + sizeof head + head[2] + length;
    char *whole = malloc(size), *here = whole;
    *here++ = op;
    memcpy(here, head, sizeof head);
    here += sizeof head;
    if (head[2]) memcpy(here, name, head[2]);
    here += head[2];
    if (length) memcpy(here, data, length);
    if (real_write(record, whole, size) != (ssize_t)size) abort();
    free(whole);
}

static int opened(int (*call)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    if (!ours(path) || !(flags & O_CREAT)) return call(path, flags, mode);
    pthread_mutex_lock(&order);
    int existed = access(path, F_OK) == 0;
    int fd = call(path, flags, mode), kept = errno;
    struct stat found;
    if (fd >= 0 && fstat(fd, &found) == 0) {
        if (!existed) entry('C', found.st_ino, 0, path, NULL, 0);
        else if (flags & O_TRUNC) entry('T', found.st_ino, 0, NULL, NULL, 0);
    }
    pthread_mutex_unlock(&order);
    errno = kept;
    return fd;
}

#define OPEN(name)                                                                     \
    int name(const char *path, int flags, ...) {                                       \
        mode_t mode = 0;                                                               \
        if (flags & O_CREAT) {                                                         \
            va_list more;                                                              \
            va_start(more, flags);                                                     \
            mode = va_arg(more, mode_t);                                               \
            va_end(more);                                                              \
        }                                                                              \
        return opened(real(#name), path, flags, mode);                                 \
    }
OPEN(open)
OPEN(open64)

static ssize_t written(int fd, const void *data, size_t length, off_t place, int placed) {
    char path[4096];
    uint64_t number;
    int is_folder;
    ssize_t (*real_pwrite)(int, const void *, size_t, off_t) = real("pwrite64");
    ssize_t (*real_write)(int, const void *, size_t) = real("write");
    if (fd == record || !ours_open(fd, path, sizeof path, &number, &is_folder))
        return placed ? real_pwrite(fd, data, length, place) : real_write(fd, data, length);
    pthread_mutex_lock(&order);
    if (!placed) place = lseek(fd, 0, SEEK_CUR);
    ssize_t done = placed ? real_pwrite(fd, data, length, place) : real_write(fd, data, length);
    int kept = errno;
    if (done > 0) {
        const char *base = strrchr(path, '/');
        entry(base && strcmp(base, "/acks") == 0 ? 'A' : 'W', number, place, NULL, data, done);
    }
    pthread_mutex_unlock(&order);
    errno = kept;
    return done;
}

ssize_t write(int fd, const void *data, size_t length) { return written(fd, data, length, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t length, off_t place) { return written(fd, data, length, place, 1); }
ssize_t pwrite64(int fd, const void *data, size_t length, off_t place) { return written(fd, data, length, place, 1); }

static int changed(const char *name, int fd, char op, off_t size) {
    char path[4096];
    uint64_t number;
    int is_folder;
    int known = ours_open(fd, path, sizeof path, &number, &is_folder);
    if (known) pthread_mutex_lock(&order);
    int (*call_size)(int, off_t) = real(name);
    int (*call)(int) = real(name);
    int done = op == 'T' ? call_size(fd, size) : call(fd), kept = errno;
    if (known) {
        if (done == 0) entry(op == 'S' && is_folder ? 'D' : op, number, size, NULL, NULL, 0);
        pthread_mutex_unlock(&order);
    }
    errno = kept;
    return done;
}

int fsync(int fd) { return changed("fsync", fd, 'S', 0); }
int fdatasync(int fd) { return changed("fdatasync", fd, 'S', 0); }
int ftruncate(int fd, off_t size) { return changed("ftruncate", fd, 'T', size); }
int ftruncate64(int fd, off_t size) { return changed("ftruncate64", fd, 'T', size); }

int rename(const char *from, const char *to) {
    int (*call)(const char *, const char *) = real("rename");
    if (!ours(from)) return call(from, to);
    pthread_mutex_lock(&order);
    int done = call(from, to), kept = errno;
    if (done == 0) entry('R', 0, 0, from, to, strlen(to));
    pthread_mutex_unlock(&order);
    errno = kept;
    return done;
}

int link(const char *from, const char *to) {
    int (*call)(const char *, const char *) = real("link");
    if (!ours(from)) return call(from, to);
    pthread_mutex_lock(&order);
    int done = call(from, to), kept = errno;
    if (done == 0) entry('L', 0, 0, from, to, strlen(to));
    pthread_mutex_unlock(&order);
    errno = kept;
    return done;
}

/* How shutil copies a file: what has arrived is read back and recorded as a write. */
static ssize_t sent(const char *name, int to, int from, off_t *place, size_t length) {
    char path[4096];
    uint64_t number;
    int is_folder;
    ssize_t (*call)(int, int, off_t *, size_t) = real(name);
    if (!ours_open(to, path, sizeof path, &number, &is_folder)) return call(to, from, place, length);
    pthread_mutex_lock(&order);
    off_t begin = lseek(to, 0, SEEK_CUR);
    ssize_t done = call(to, from, place, length);
    int kept = errno;
    if (done > 0) {
        char *data = malloc(done), again[64];
        snprintf(again, sizeof again, "/proc/self/fd/%d", to);
        int (*real_open)(const char *, int, ...) = real("open");
        int fd = real_open(again, O_RDONLY | O_CLOEXEC);
        if (pread(fd, data, done, begin) != done) abort();
        close(fd);
        entry('W', number, begin, NULL, data, done);
        free(data);
    }
    pthread_mutex_unlock(&order);
    errno = kept;
    return done;
}

ssize_t sendfile(int to, int from, off_t *place, size_t length) { return sent("sendfile", to, from, place, length); }
ssize_t sendfile64(int to, int from, off_t *place, size_t length) { return sent("sendfile64", to, from, place, length); }

int unlink(const char *path) {
    int (*call)(const char *) = real("unlink");
    if (!ours(path)) return call(path);
    pthread_mutex_lock(&order);
    int done = call(path), kept = errno;
    if (done == 0) entry('U', 0, 0, path, NULL, 0);
    pthread_mutex_unlock(&order);
    errno = kept;
    return done;
}
