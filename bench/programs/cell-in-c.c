/* cell-in-c <bytes>: how often a second a C program copies a payload out of shared memory, by the rules of a seqlock with two slots. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "per_operation.h"

struct cell {
  _Atomic unsigned current;
  _Atomic unsigned version[2];
  char payload[];
};

static struct cell *cell;
static char *copy;
static size_t bytes;

static void copy_once(void) {
  unsigned current;
  do {
    current = atomic_load_explicit(&cell->current, memory_order_acquire);
    memcpy(copy, cell->payload + (current % 2) * bytes, bytes);
    /* The compiler takes the copy for read. */
    __asm__ volatile("" : : "r"(copy) : "memory");
    atomic_thread_fence(memory_order_acquire);
  } while (atomic_load_explicit(&cell->version[current % 2], memory_order_relaxed) != current);
}

int main(int argc, char **argv) {
  if (argc < 2) return 1;
  bytes = strtoul(argv[1], NULL, 10);
  cell = mmap(NULL, sizeof *cell + 2 * bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  copy = malloc(bytes);
  memset(cell->payload, 'x', 2 * bytes);
  cell->version[1] = cell->current = 1;
  double ns;
  NS_PER_OPERATION(ns, copy_once(););
  printf("{\"perSecond\":%f}\n", 1e9 / ns);
}
