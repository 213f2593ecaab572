/* locks-in-c <file>: what an uncontended lock and unlock takes that libc offers to processes. The file is made, and is there for flock alone. Only
 * the robust mutex and flock survive their holders; the semaphore and the reader-writer lock of libc stay locked with the dead. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "per_operation.h"

struct shared {
  pthread_mutex_t mutex;
  pthread_rwlock_t lock;
  sem_t semaphore;
};

static struct shared *shared;

static void initialise(void) {
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_t mutex;
  pthread_mutexattr_init(&mutex);
  pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&shared->mutex, &mutex);
  pthread_rwlockattr_t lock;
  pthread_rwlockattr_init(&lock);
  pthread_rwlockattr_setpshared(&lock, PTHREAD_PROCESS_SHARED);
  pthread_rwlock_init(&shared->lock, &lock);
  sem_init(&shared->semaphore, 1, 1);
}

static void lock(void) {
  if (pthread_mutex_lock(&shared->mutex) == EOWNERDEAD) pthread_mutex_consistent(&shared->mutex);
}

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  int file = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  initialise();
  double mutex, flocked, semaphore, reading, writing;
  NS_PER_OPERATION(mutex, lock(); pthread_mutex_unlock(&shared->mutex););
  NS_PER_OPERATION(flocked, flock(file, LOCK_EX | LOCK_NB); flock(file, LOCK_UN););
  NS_PER_OPERATION(semaphore, sem_trywait(&shared->semaphore); sem_post(&shared->semaphore););
  NS_PER_OPERATION(reading, pthread_rwlock_tryrdlock(&shared->lock); pthread_rwlock_unlock(&shared->lock););
  NS_PER_OPERATION(writing, pthread_rwlock_trywrlock(&shared->lock); pthread_rwlock_unlock(&shared->lock););
  printf("{\"mutexNs\":%f,\"flockNs\":%f,\"semaphoreNs\":%f,\"readNs\":%f,\"writeNs\":%f}\n", mutex, flocked, semaphore,
         reading, writing);
}
